package file

import (
	"fmt"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

// An encodedBatch is a batch as lines of text. Some of the lines may have to be
// left out.
type encodedBatch struct {
	batch   []osprofiler.Notification
	text    []byte // one line end, then the lines
	ends    []int  // for each notification, where its line in text ends
	longest int64  // the length of the longest line that is read, without its end

	leftOut, refused, noRoom []int // indices into the batch; leftOut are refused and noRoom together
}

func encode(batch []osprofiler.Notification, longest int64) *encodedBatch {
	b := &encodedBatch{batch: batch, ends: make([]int, len(batch)), longest: longest}
	b.text = append(make([]byte, 0, b.estimate()), '\n')
	for i := range batch {
		b.text = append(batch[i].AppendJSON(b.text), '\n')
		b.ends[i] = len(b.text)
	}
	return b
}

// estimate returns an upper bound, in nearly all cases, of the bytes of the
// text: the fields, and about 130 bytes around them.
func (b *encodedBatch) estimate() int {
	size := 1
	for i := range b.batch {
		n := &b.batch[i]
		size += len(n.Name) + len(n.BaseID) + len(n.TraceID) + len(n.ParentID) + len(n.Timestamp) +
			len(n.Info) + len(n.Project) + len(n.Service) + 136
	}
	return size
}

// line returns the line of a notification, with its end.
func (b *encodedBatch) line(i int) []byte {
	start := 1
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.text[start:b.ends[i]]
}

// choose leaves out the lines for which there is no room. It refuses the lines
// that are longer than readers accept, or than any file of this process may be.
func (b *encodedBatch) choose(room, largest int64) {
	b.leftOut, b.refused, b.noRoom = nil, nil, nil
	if int64(len(b.text)) <= min(room, largest, b.longest) {
		return
	}
	for i := range b.batch {
		size := int64(len(b.line(i)))
		switch {
		case size > largest || size-1 > b.longest:
			b.refused = append(b.refused, i)
		case size > room: // later lines are left out too, so that the order stays
			b.noRoom = append(b.noRoom, i)
			room = 0
		default:
			room -= size
			continue
		}
		b.leftOut = append(b.leftOut, i)
	}
}

// chosen returns the text of the lines that are not left out. The text starts
// with a line end if the file does not end with one, which is so if a writer
// crashed while it wrote the last line.
func (b *encodedBatch) chosen(fileEnded bool) []byte {
	text := b.text
	switch {
	case len(b.leftOut) == len(b.batch):
		return nil
	case len(b.leftOut) > 0:
		text = []byte{'\n'}
		leftOut := b.leftOut
		for i := range b.batch {
			if len(leftOut) > 0 && leftOut[0] == i {
				leftOut = leftOut[1:]
				continue
			}
			text = append(text, b.line(i)...)
		}
	}
	if fileEnded {
		return text[1:]
	}
	return text
}

// failure returns nil if no line was left out. Otherwise it returns the error
// that names the notifications that were left out.
func (b *encodedBatch) failure(path string) error {
	limit := files.SizeLimit()
	o := outcome.Of(b.batch)
	o.Refuse(fmt.Errorf("a line of the file %q may have %d bytes: %w", path, min(b.longest, limit-2), files.ErrTooLarge), b.refused...)
	o.Miss(fmt.Errorf("cannot append to the file %q: %d of %d notifications have no room, as the file may have %d bytes: %w",
		path, len(b.noRoom), len(b.batch), limit, files.ErrTooLarge), true, b.noRoom...)
	return o.Err()
}
