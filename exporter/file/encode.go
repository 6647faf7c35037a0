package file

import (
	"fmt"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// encoded is a batch as lines, of which some may have to be left out.
type encoded struct {
	batch   []osprofiler.Notification
	text    []byte // a line's end to start with, then the lines
	ends    []int  // where in text the line of each notification ends
	longest int64  // that a reader takes, without the line's end

	missing, refused []int // indices of those that are left out; refused are in missing too
}

func (s *Store) encode(batch []osprofiler.Notification) *encoded {
	b := &encoded{batch: batch, ends: make([]int, len(batch)), longest: s.longest}
	b.text = append(make([]byte, 0, 600*len(batch)), '\n')
	for i := range batch {
		b.text = append(batch[i].AppendJSON(b.text), '\n')
		b.ends[i] = len(b.text)
	}
	return b
}

// line returns the line of a notification, with its end.
func (b *encoded) line(i int) []byte {
	start := 1
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.text[start:b.ends[i]]
}

// choose leaves out the lines that are longer than readers take or than any
// file may be, which are refused, and those for which there is no room.
func (b *encoded) choose(room, most int64) {
	b.missing, b.refused = nil, nil
	if int64(len(b.text)) <= min(room, most, b.longest) {
		return
	}
	for i := range b.batch {
		size := int64(len(b.line(i)))
		switch {
		case size > most || size-1 > b.longest:
			b.refused = append(b.refused, i)
			b.missing = append(b.missing, i)
		case size > room: // nor is there room for what comes after it, so that the order stays
			b.missing = append(b.missing, i)
			room = 0
		default:
			room -= size
		}
	}
}

// chosen returns the text of the lines that are not left out. It starts with a
// line's end if the file does not end with one, because a writer crashed there.
func (b *encoded) chosen(ended bool) []byte {
	text := b.text
	switch {
	case len(b.missing) == len(b.batch):
		return nil
	case len(b.missing) > 0:
		text = []byte{'\n'}
		left := b.missing
		for i := range b.batch {
			if len(left) > 0 && left[0] == i {
				left = left[1:]
				continue
			}
			text = append(text, b.line(i)...)
		}
	}
	if ended {
		return text[1:]
	}
	return text
}

// failure names the notifications that were left out.
func (b *encoded) failure(path string) error {
	limit := backend.FileSizeLimit()
	refusals := make([]backend.Refusal, len(b.refused))
	for i, at := range b.refused {
		reason := fmt.Errorf("a line of the file %q may have %d bytes: %w", path, min(b.longest, limit-2), backend.ErrTooLarge)
		refusals[i] = backend.Refusal{Index: at, Reason: reason}
	}
	if len(b.missing) == len(b.refused) {
		return backend.Refused(b.batch, refusals)
	}
	err := fmt.Errorf("cannot append to the file %q: %d of %d notifications have no room, as the file may have %d bytes: %w",
		path, len(b.missing)-len(b.refused), len(b.batch), limit, backend.ErrTooLarge)
	if len(refusals) > 0 {
		err = fmt.Errorf("%w; %w", err, backend.Refused(b.batch, refusals))
	}
	return &store.WriteError{Missing: b.missing, Refused: b.refused, Transient: true, Err: err}
}
