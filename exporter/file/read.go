package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Notifications implements driver.Reader. It reads the file from its beginning
// to its end. Lines that cannot belong to the trace are not parsed.
func (d *fileDriver) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		s, err := d.scan(ctx, linesWith(baseID))
		if err != nil {
			yield(osprofiler.Notification{}, err)
			return
		}
		defer s.close()
		for {
			n, err := s.next()
			if errors.Is(err, io.EOF) || !yield(n, err) || err != nil && store.Ends(err) {
				return
			}
		}
	}
}

// A scanner reads the notifications in a part of the file.
type scanner struct {
	*lines

	ctx   context.Context // of the call that reads
	d     *fileDriver
	file  *os.File // nil if the file does not exist
	first int64    // the offset where reading began
	wants lineFilter

	text      []byte // the JSON text of the current line; changed by the next call of next
	textStart int64  // the offset of that text
	nextCheck int64  // the offset at which the context is checked again
}

// scan returns a scanner of the whole file as it is now. The scanner has a file
// of its own, so that a loop over the notifications may use the Store.
func (d *fileDriver) scan(ctx context.Context, wants lineFilter) (*scanner, error) {
	f, size, err := d.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return d.newScanner(ctx, f, 0, size, wants), nil
}

func (d *fileDriver) newScanner(ctx context.Context, f *os.File, from, to int64, wants lineFilter) *scanner {
	l := newLines(io.NewSectionReader(f, from, to-from), from)
	return &scanner{lines: l, ctx: ctx, d: d, file: f, first: from, wants: wants, nextCheck: from}
}

func (s *scanner) close() {
	if s.file != nil {
		_ = s.file.Close() // it was only read
	}
}

// checkedBytes is how much is read between two checks of the context.
const checkedBytes = 1 << 20

// next returns the next notification in a line that the filter does not leave
// out, a *store.DamageError for a line that is not a notification, and io.EOF at the
// end. Any other error ends the scan. Blank lines are left out.
func (s *scanner) next() (osprofiler.Notification, error) {
	for {
		if s.end >= s.nextCheck {
			if err := s.ctx.Err(); err != nil {
				return osprofiler.Notification{}, err
			}
			s.nextCheck = s.end + checkedBytes
		}
		err := s.nextLine()
		if err != nil {
			return osprofiler.Notification{}, err
		}
		if len(s.text) == 0 || isComplete(s.text) && !s.wants(s.text) {
			continue
		}
		n, err := osprofiler.ParseNotification(string(s.text))
		if err != nil {
			err = s.damage(err)
		}
		return n, err
	}
}

// nextLine goes to the next line and sets its text. For a line that is too long
// it returns a *store.DamageError.
func (s *scanner) nextLine() error {
	if s.file == nil {
		return io.EOF
	}
	err := s.lines.next()
	switch {
	case err == nil:
		s.trim()
		return nil
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.Is(err, errTooLong):
		return s.damage(err)
	}
	return s.d.cannotRead(err)
}

// trim sets the text of the line without blanks, and without the byte order
// mark that some editors put before the first line.
func (s *scanner) trim() {
	text := s.line
	if len(text) > 0 && isComplete(text) {
		s.text, s.textStart = text, s.start
		return
	}
	if s.start == 0 {
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	}
	text = bytes.TrimLeft(text, " \t\r")
	s.textStart = s.start + int64(len(s.line)-len(text))
	s.text = bytes.TrimRight(text, " \t\r")
}

// isComplete reports whether a text looks like a whole object, by its first and
// last bytes. Other texts are half written. They are always parsed, whatever
// they contain, so that they are always reported.
func isComplete(text []byte) bool { return text[0] == '{' && text[len(text)-1] == '}' }

func (s *scanner) damage(err error) error {
	entry := fmt.Sprintf("line %d of %q", s.number, s.d.path)
	if s.first > 0 {
		entry = fmt.Sprintf("the line at byte %d of %q", s.start, s.d.path)
	}
	return &store.DamageError{Entry: entry, Reason: err}
}

// patience is how long a reader waits for a writer that is writing a batch. A
// writer that takes longer may have been stopped.
const patience = 2 * time.Second

// snapshot opens the file for reading, and returns the size up to which the file
// is to be read. That is the end of a batch, so that no batch that is being
// written is read in part. The file is nil if it does not exist and Write would
// create it.
func (d *fileDriver) snapshot(ctx context.Context) (f *os.File, size int64, err error) {
	if f, err = d.openForReading(); f == nil {
		return nil, 0, err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if d.lock(waiting, f, shared) == nil {
		defer unlock(f)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(d.cannotRead(err), f.Close())
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}
