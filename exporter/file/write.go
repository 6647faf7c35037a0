package file

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Write implements driver.Writer. It appends the batch with one write of the
// system. nil means that the operating system has the whole batch, and the disk
// too, unless WithSync(false) was given. After an error Write removes what it
// wrote of the batch from the file, if that is possible.
//
// A notification that the file cannot hold does not keep the others from being
// written. Such a notification has a line longer than readers accept or than
// any file of the process may be, or the file has no room for the line below
// that limit.
func (d *fileDriver) Write(ctx context.Context, batch []osprofiler.Notification) error {
	b := encode(batch, d.longest)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case f := <-d.appending:
		f, err := d.append(ctx, f, b)
		d.appending <- f
		if err != nil {
			return classified(err)
		}
		if len(b.leftOut) > 0 {
			return b.failure(d.path)
		}
		return nil
	}
}

// classified returns an error that says whether trying again may help.
func classified(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &store.WriteError{Transient: errors.Is(err, errGone) || files.ClassOf(err).IsTransient(), Err: err}
}

// errGone means that the file lost the batch after it was written, because
// somebody removed or cut the file.
var errGone = errors.New("the file was removed or cut while it was written")

// mostTries is how often a batch is written if the file is removed each time.
const mostTries = 10

// append appends the batch to the file, and returns the file that is open
// afterwards.
func (d *fileDriver) append(ctx context.Context, f *os.File, b *encodedBatch) (*os.File, error) {
	for try := 1; ; try++ {
		var err error
		if f, err = d.lockCurrent(ctx, f); err != nil {
			return f, err
		}
		err = d.appendTo(f, b)
		unlock(f)
		if err == nil {
			return f, nil
		}
		_ = f.Close() // after a failed sync, a later sync of the same open file may succeed without the batch
		f = nil
		if !errors.Is(err, errGone) || try == mostTries {
			return nil, err
		}
	}
}

// appendTo appends to the file, which the caller has locked. If the append
// fails, the file is restored to its former state, as far as possible.
func (d *fileDriver) appendTo(f *os.File, b *encodedBatch) error {
	size, ended, err := end(f)
	if err != nil {
		return d.cannotRead(err)
	}
	limit := files.SizeLimit()
	b.choose(limit-size-1, limit-1)
	text := b.chosen(ended)
	n, err := d.put(f, size, text)
	if files.TooLarge(err) {
		b.choose(int64(n)-1, limit-1)
		text = b.chosen(ended)
		_, err = d.put(f, size, text)
	}
	if err != nil {
		return err
	}
	appended()
	info, err := f.Stat()
	if err != nil {
		return d.cannotRead(err)
	}
	if files.Unlinked(info) || info.Size() < size+int64(len(text)) {
		return fmt.Errorf("cannot append to the file %q: %w", d.path, errGone)
	}
	return nil
}

// put writes the text to the end of the file, which has that size, and waits
// for the disk. It returns how many bytes there was room for.
func (d *fileDriver) put(f *os.File, size int64, text []byte) (n int, err error) {
	if len(text) == 0 {
		return 0, nil
	}
	if n, err := f.Write(text); err != nil {
		takeBack(f, size, n)
		return n, fmt.Errorf("cannot append to the file %q: %w", d.path, files.Reason(err))
	}
	if d.sync {
		if err := syncOf(f); err != nil {
			takeBack(f, size, len(text))
			return 0, fmt.Errorf("the file %q may not be on the disk: %w", d.path, files.Reason(err))
		}
	}
	return len(text), nil
}

// syncOf, and appended, which is called before a batch is acknowledged, are
// replaced by tests.
var (
	syncOf   = (*os.File).Sync
	appended = func() {}
)

// lockCurrent returns the file that the path names now, locked against other
// writers. If that is another file than the given one, because somebody moved
// that file away or replaced it, lockCurrent closes the given file.
func (d *fileDriver) lockCurrent(ctx context.Context, f *os.File) (*os.File, error) {
	for {
		if err := ctx.Err(); err != nil {
			return f, err
		}
		if f == nil {
			var err error
			if f, err = d.openForWriting(); err != nil {
				return nil, err
			}
		}
		if err := d.lock(ctx, f, exclusive); err != nil {
			return f, err
		}
		if isAt(f, d.path) {
			return f, nil
		}
		unlock(f)
		_ = f.Close() // everything that this process wrote to it was acknowledged
		f = nil
	}
}

// isAt reports whether the path names the open file.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	named, errNamed := os.Stat(path)
	return err == nil && errNamed == nil && os.SameFile(opened, named)
}

// end returns the size of the file, and whether it ends with a line end.
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

// takeBack removes the n bytes that a failed write left behind the offset size.
// If it cannot remove them, they remain as half a line, which readers skip.
func takeBack(f *os.File, size int64, n int) {
	if info, err := f.Stat(); n > 0 && err == nil && info.Size() == size+int64(n) {
		_ = f.Truncate(size)
	}
}
