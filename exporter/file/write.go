package file

import (
	"context"
	"fmt"
	"os"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Write implements store.Store: it appends the batch by one write. nil means
// that the operating system has all of it, and, unless WithSync(false) was
// given, the disk too. After an error nothing of the batch is left in the
// file, if it can be taken back.
func (s *Store) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	if write, err := backend.ToWrite(batch, s.readOnly, fmt.Sprintf("the file %q", s.path)); !write {
		return err
	}
	text := encode(batch)
	select {
	case <-s.done:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case f := <-s.turn:
		f, err := s.append(ctx, f, text)
		s.turn <- f
		return err
	}
}

// encode writes the lines of a batch, behind one line's end to start with.
func encode(batch []osprofiler.Notification) []byte {
	text := append(make([]byte, 0, 600*len(batch)), '\n')
	for i := range batch {
		text = append(batch[i].AppendJSON(text), '\n')
	}
	return text
}

// append appends the text to the file, and returns the file as it is then open.
func (s *Store) append(ctx context.Context, f *os.File, text []byte) (*os.File, error) {
	f, err := s.locked(ctx, f)
	if err != nil {
		return f, err
	}
	defer unlock(f)
	size, ended, err := end(f)
	if err != nil {
		return f, fmt.Errorf("cannot read the file %q: %w", s.path, backend.Reason(err))
	}
	if ended {
		text = text[1:] // else whoever crashed here left half a line
	}
	if n, err := f.Write(text); err != nil {
		takeBack(f, size, n)
		return f, fmt.Errorf("cannot append to the file %q: %w", s.path, backend.Reason(err))
	}
	if s.sync {
		if err := f.Sync(); err != nil {
			return f, fmt.Errorf("the file %q may not be on the disk: %w", s.path, backend.Reason(err))
		}
	}
	return f, nil
}

// locked returns the file that stands at the path now, locked against the other
// writers. It may be another one than it was: somebody may have moved the old
// one away.
func (s *Store) locked(ctx context.Context, f *os.File) (*os.File, error) {
	for {
		if f == nil {
			var err error
			if f, err = s.openForWriting(); err != nil {
				return nil, err
			}
		}
		if err := s.lock(ctx, f, exclusive); err != nil {
			return f, err
		}
		here, err := f.Stat()
		there, errThere := os.Stat(s.path)
		if err == nil && errThere == nil && os.SameFile(here, there) {
			return f, nil
		}
		unlock(f)
		_ = f.Close() // nothing of ours is unwritten in it
		f = nil
	}
}

// end returns the size of the file, and whether it ends with a whole line.
func end(f *os.File) (size int64, ended bool, err error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return 0, true, err
	}
	last := []byte{0}
	if _, err := f.ReadAt(last, info.Size()-1); err != nil {
		return 0, false, err
	}
	return info.Size(), last[0] == '\n', nil
}

// takeBack removes the n bytes that a failed write left behind size. Should it
// not work, they are half a line, which readers skip.
func takeBack(f *os.File, size int64, n int) {
	if info, err := f.Stat(); n > 0 && err == nil && info.Size() == size+int64(n) {
		_ = f.Truncate(size)
	}
}
