package main

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/osprofiler-otel/osprofiler/store"
)

// warnings writes warnings to stderr. After a few it only counts them, because a
// store may have millions of the same kind.
type warnings struct {
	w     io.Writer
	count int
	texts map[uint64]bool // the hashes of the texts that are written once
}

const mostWarnings = 10

// seed is for the hashes of warnings.
var seed = maphash.MakeSeed()

func (w *warnings) add(text string) {
	w.count++
	if w.count <= mostWarnings {
		fmt.Fprintln(w.w, "osp: warning:", printable(text))
	}
}

// once adds a warning that was not added before.
func (w *warnings) once(text string) {
	if w.isNew(text) {
		w.add(text)
	}
}

// isNew reports whether a text is seen for the first time.
func (w *warnings) isNew(text string) bool {
	hash := maphash.String(seed, text)
	if w.texts[hash] {
		return false
	}
	if w.texts == nil {
		w.texts = map[uint64]bool{}
	}
	w.texts[hash] = true
	return true
}

// skipped reports whether err is about one entry that was skipped, so that the entries behind
// it can still be read, and whether the entry is new. It warns only of new entries, because a
// file reports the same line whenever it is read.
func (w *warnings) skipped(err error) (damaged, isNew bool) { //nolint:unparam // for callers that count entries
	var damage *store.DamageError
	if !errors.As(err, &damage) {
		return false, false
	}
	text := err.Error()
	if !w.isNew(text) {
		return true, false
	}
	w.add(text)
	return true, true
}

// close writes how many more warnings there were.
func (w *warnings) close() {
	if more := w.count - mostWarnings; more > 0 {
		fmt.Fprintf(w.w, "osp: warning: and %d more\n", more)
	}
}
