package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"sync"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Feed implements driver.Feeder. The feed yields the notifications in the order
// of the file. It reads the file up to the cursor once, to compare checksums.
func (d *fileDriver) Feed(ctx context.Context, from driver.Cursor) (driver.Feed, error) {
	at, err := parseCursor(from)
	if err != nil {
		return nil, err
	}
	p := &feed{d: d, at: at, halfLine: -1}
	if at.offset == 0 {
		return p, nil
	}
	f, size, err := d.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	ok := false
	if f != nil {
		ok, err = at.verify(ctx, f, size)
	}
	switch {
	case err != nil:
		err = d.cannotRead(err)
	case !ok:
		err = explained.New(store.ErrCursor, "the file %q was replaced, cut or removed, or the cursor %q is of another file", d.path, from)
	default:
		p.remember(f)
		return p, nil
	}
	if f != nil {
		_ = f.Close() // it was only read
	}
	return nil, err
}

// A feed follows the file.
//
// Each poll opens the path again, because the file may have been replaced. The
// feed keeps the file of the last poll open. So the system cannot give the
// number of that file to another file, and the feed can recognise the file as
// the same.
type feed struct {
	d *fileDriver

	mu     sync.Mutex // Cursor and Close may be called while Poll is inside yield
	at     position   // behind everything that was yielded
	file   *os.File   // the file of the last poll, or nil
	tail   []byte     // the text before at, as far as it is compared in each poll
	closed bool

	halfLine int64 // the offset of a last line without an end that was reported, or -1
}

// Cursor implements driver.Feed.
func (p *feed) Cursor() driver.Cursor { return p.position().cursor() }

func (p *feed) position() position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func (p *feed) move(to position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = to
}

// Close implements driver.Feed.
func (p *feed) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.file
	p.file, p.closed = nil, true
	if f == nil {
		return nil
	}
	return f.Close()
}

// Poll implements driver.Feed.
func (p *feed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		f, size, err := p.open(ctx)
		if errors.Is(err, store.ErrCursor) && !p.readRest(ctx, yield) {
			return
		}
		if err != nil {
			yield(osprofiler.Notification{}, err)
			return
		}
		if f == nil {
			return
		}
		defer p.remember(f)
		at := p.position()
		s := p.d.newScanner(ctx, f, at.offset, size, everyLine)
		s.hashing, s.sum = true, at.sum
		p.read(s, yield)
	}
}

// read yields the notifications of a scanner. It moves the position behind each
// notification before it yields the notification.
func (p *feed) read(s *scanner, yield func(osprofiler.Notification, error) bool) {
	for {
		n, err := s.next()
		behind := position{s.end, s.sum}
		wasReported := err != nil && s.start == p.halfLine
		switch {
		case errors.Is(err, io.EOF):
			p.move(behind)
			return
		case err != nil && store.Ends(err):
			yield(n, err)
			return
		case err != nil && !s.ended: // a writer may still write its end
			if p.halfLine = s.start; !wasReported {
				yield(n, err)
			}
			return
		}
		p.move(behind)
		if !wasReported && !yield(n, err) {
			return
		}
	}
}

// readRest yields the notifications that were written to the file of the last
// poll before another file replaced it. It returns false if the loop was left.
func (p *feed) readRest(ctx context.Context, yield func(osprofiler.Notification, error) bool) bool {
	p.mu.Lock()
	last, at := p.file, p.at
	p.mu.Unlock()
	if last == nil {
		return true
	}
	info, err := last.Stat()
	if err != nil || info.Size() <= at.offset {
		return true
	}
	if ok, err := at.verify(ctx, last, info.Size()); err != nil || !ok {
		return true
	}
	s := p.d.newScanner(ctx, last, at.offset, info.Size(), everyLine)
	s.hashing, s.sum = true, at.sum
	more := true
	p.read(s, func(n osprofiler.Notification, err error) bool {
		more = yield(n, err)
		return more
	})
	return more
}

// open opens the file for a poll. The file is nil if there is nothing to read.
func (p *feed) open(ctx context.Context) (f *os.File, size int64, err error) {
	if f, size, err = p.d.snapshot(ctx); err != nil {
		return nil, 0, err
	}
	ok, err := p.isUnchanged(ctx, f, size)
	switch {
	case err != nil:
		err = p.d.cannotRead(err)
	case !ok:
		err = explained.New(store.ErrCursor, "the file %q was replaced, cut or removed since it was read", p.d.path)
	default:
		return f, size, nil
	}
	if f != nil {
		_ = f.Close() // it was only read
	}
	return nil, 0, err
}

// isUnchanged reports whether a file holds what the feed has read. If it is the
// file of the last poll, only the tail is compared.
func (p *feed) isUnchanged(ctx context.Context, f *os.File, size int64) (bool, error) {
	p.mu.Lock()
	last, tail, at := p.file, p.tail, p.at
	p.mu.Unlock()
	switch {
	case at.offset == 0:
		return true, nil
	case f == nil:
		return false, nil
	case last == nil || !isSame(last, f):
		return at.verify(ctx, f, size)
	case at.offset > size:
		return false, nil
	}
	now := make([]byte, len(tail))
	_, err := f.ReadAt(now, at.offset-int64(len(tail)))
	return err == nil && bytes.Equal(now, tail), err
}

// isSame reports whether two open files are the same one.
func isSame(f, other *os.File) bool {
	info, err := f.Stat()
	info2, err2 := other.Stat()
	return err == nil && err2 == nil && os.SameFile(info, info2)
}

// tailBytes is how much of the text before the position is compared in each
// poll. It holds the ids and the time of the last notification.
const tailBytes = 4 << 10

// remember keeps the file until the next poll, and the tail of what was read.
func (p *feed) remember(f *os.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil {
		_ = p.file.Close() // it was only read
	}
	p.file = nil
	tail := make([]byte, min(p.at.offset, tailBytes))
	if _, err := f.ReadAt(tail, p.at.offset-int64(len(tail))); err != nil || p.closed {
		_ = f.Close() // without a file, the next poll compares all
		return
	}
	p.file, p.tail = f, tail
}
