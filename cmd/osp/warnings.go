package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/osprofiler-otel/osprofiler/store"
)

// warnings tells on stderr of what is wrong without being an error, and after
// a few only counts: a store may hold millions of the same.
type warnings struct {
	w     io.Writer
	count int
}

const mostWarnings = 10

func (w *warnings) add(text string) {
	w.count++
	if w.count <= mostWarnings {
		fmt.Fprintln(w.w, "osp: warning:", printable(text))
	}
}

// skipped tells whether err is about one skipped entry, which it warns of,
// so that what comes after it can still be read.
func (w *warnings) skipped(err error) bool {
	var damage *store.Damage
	if !errors.As(err, &damage) {
		return false
	}
	w.add(err.Error())
	return true
}

// close tells how many more there were.
func (w *warnings) close() {
	if more := w.count - mostWarnings; more > 0 {
		fmt.Fprintf(w.w, "osp: warning: and %d more\n", more)
	}
}
