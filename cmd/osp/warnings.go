package main

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/osprofiler-otel/osprofiler/store"
)

// warnings tells on stderr of what is wrong without being an error, and after
// a few only counts: a store may hold millions of the same.
type warnings struct {
	w     io.Writer
	count int
	told  map[uint64]bool // the hashes of what was skipped
}

const mostWarnings = 10

func (w *warnings) add(text string) {
	w.count++
	if w.count <= mostWarnings {
		fmt.Fprintln(w.w, "osp: warning:", printable(text))
	}
}

// skipped tells whether err is about one skipped entry, so that what comes
// after it can still be read, and whether it is new. Only then does it warn: a
// file tells of the same line whenever it is searched.
func (w *warnings) skipped(err error) (damaged, isNew bool) {
	var damage *store.Damage
	if !errors.As(err, &damage) {
		return false, false
	}
	text := err.Error()
	hash := maphash.String(seed, text)
	if w.told[hash] {
		return true, false
	}
	if w.told == nil {
		w.told = map[uint64]bool{}
	}
	w.told[hash] = true
	w.add(text)
	return true, true
}

// close tells how many more there were.
func (w *warnings) close() {
	if more := w.count - mostWarnings; more > 0 {
		fmt.Fprintf(w.w, "osp: warning: and %d more\n", more)
	}
}
