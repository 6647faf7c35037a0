package file

import (
	"context"
	"errors"
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
//
// A notification that the file cannot hold costs only itself: one whose line
// is longer than readers take, or than the limit of the process's files. So does one for
// which the file has no room below that limit.
func (s *Store) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	if write, err := backend.ToWrite(batch, s.readOnly, fmt.Sprintf("the file %q", s.path)); !write {
		return err
	}
	b := s.encode(batch)
	select {
	case <-s.done:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case f := <-s.turn:
		f, err := s.append(ctx, f, b)
		s.turn <- f
		switch {
		case err != nil:
			return classified(err)
		case len(b.missing) > 0:
			return b.failure(s.path)
		}
		return nil
	}
}

// classified says of an error whether trying again may help.
func classified(err error) error {
	if errors.Is(err, store.ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &store.WriteError{Transient: errors.Is(err, errGone) || backend.FileClass(err).IsTransient(), Err: err}
}

// errGone says that the file lost the batch after it was written: somebody
// removed the file, or cut it.
var errGone = errors.New("the file was removed or cut while it was written")

// mostTries is how often a batch is written into the next file, if file after
// file is removed.
const mostTries = 10

// append appends the batch to the file, and returns the file as it is then open.
func (s *Store) append(ctx context.Context, f *os.File, b *encoded) (*os.File, error) {
	for try := 1; ; try++ {
		var err error
		if f, err = s.locked(ctx, f); err != nil {
			return f, err
		}
		err = s.appendTo(f, b)
		unlock(f)
		if err == nil {
			return f, nil
		}
		_ = f.Close() // after a failed sync, a later one of the same file could be taken for this one's success
		f = nil
		if !errors.Is(err, errGone) || try == mostTries {
			return nil, err
		}
	}
}

// appendTo appends to the file, which is locked. If that fails, the file is as it was,
// as far as possible.
func (s *Store) appendTo(f *os.File, b *encoded) error {
	size, ended, err := end(f)
	if err != nil {
		return fmt.Errorf("cannot read the file %q: %w", s.path, backend.Reason(err))
	}
	limit := backend.FileSizeLimit()
	b.choose(limit-size-1, limit-1)
	text := b.chosen(ended)
	n, err := s.put(f, size, text)
	if backend.TooLarge(err) {
		b.choose(int64(n)-1, limit-1)
		text = b.chosen(ended)
		_, err = s.put(f, size, text)
	}
	if err != nil {
		return err
	}
	appended()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("cannot read the file %q: %w", s.path, backend.Reason(err))
	}
	if backend.Unlinked(info) || info.Size() < size+int64(len(text)) {
		return fmt.Errorf("cannot append to the file %q: %w", s.path, errGone)
	}
	return nil
}

// put writes the text to the end of the file, which has that size, and waits
// for the disk. It returns how much there was room for.
func (s *Store) put(f *os.File, size int64, text []byte) (n int, err error) {
	if len(text) == 0 {
		return 0, nil
	}
	if n, err := f.Write(text); err != nil {
		takeBack(f, size, n)
		return n, fmt.Errorf("cannot append to the file %q: %w", s.path, backend.Reason(err))
	}
	if s.sync {
		if err := syncOf(f); err != nil {
			takeBack(f, size, len(text))
			return 0, fmt.Errorf("the file %q may not be on the disk: %w", s.path, backend.Reason(err))
		}
	}
	return len(text), nil
}

// syncOf and appended, which is called before a batch is acknowledged, are
// replaced by tests.
var (
	syncOf   = (*os.File).Sync
	appended = func() {}
)

// locked returns the file that stands at the path now, locked against the other
// writers. It may be another one than it was: somebody may have moved the old
// one away.
func (s *Store) locked(ctx context.Context, f *os.File) (*os.File, error) {
	for {
		if err := s.alive(ctx); err != nil {
			return f, err
		}
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
