//go:build !windows

package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/osprofiler-otel/osprofiler/store"
)

// Delete implements driver.Deleter. It writes the file without the lines of the
// trace to a new file beside it, and renames the new file over the old one. Both
// happen under the lock that writers take, so that nothing is appended to the
// old file meanwhile. If Delete fails before the renaming, the file is as it was
// before. Lines that cannot be read stay as they are.
//
// On Windows an open file cannot be replaced, so there the driver cannot delete.
func (d *fileDriver) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case f := <-d.appending:
		f, notifications, err = d.delete(ctx, f, baseID)
		d.appending <- f
		return notifications, err
	}
}

// delete deletes from the file that the path names. It is given the file that is
// open for appending, and returns the one that is open then.
func (d *fileDriver) delete(ctx context.Context, f *os.File, baseID string) (_ *os.File, notifications int, err error) {
	existing, err := d.openForReading()
	if existing == nil {
		return f, 0, err
	}
	_ = existing.Close() // only its existence counts
	if f, err = d.lockCurrent(ctx, f); err != nil {
		return f, 0, err
	}
	defer func() {
		if f != nil {
			unlock(f)
		}
	}()
	if err := d.lockStrictly(ctx, f, exclusive); err != nil { // lockCurrent accepts a file system without locks
		return f, 0, fmt.Errorf("cannot delete from the file %q, because lines that are appended meanwhile would be lost: %w", d.path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return f, 0, d.cannotRead(err)
	}
	ranges, notifications, err := d.linesOf(ctx, f, info.Size(), baseID)
	if err != nil || notifications == 0 {
		return f, 0, err
	}
	if err := d.replace(ctx, f, info, ranges); err != nil {
		return f, 0, err
	}
	_ = f.Close() // it has no name any more
	f = nil
	return f, notifications, syncFolder(d.path)
}

// A byteRange is a part of the file.
type byteRange struct{ start, end int64 }

// linesOf returns the ranges of the lines of a trace, in order, and the number
// of those lines. Each range costs 16 bytes of memory.
func (d *fileDriver) linesOf(ctx context.Context, f *os.File, size int64, baseID string) (ranges []byteRange, count int, err error) {
	s := d.newScanner(ctx, f, 0, size, linesWith(baseID))
	for {
		n, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return ranges, count, nil
		case store.Ends(err):
			return nil, 0, err
		case err != nil || n.BaseID != baseID:
			continue
		}
		count++
		if last := len(ranges) - 1; last >= 0 && ranges[last].end == s.start {
			ranges[last].end = s.end
		} else {
			ranges = append(ranges, byteRange{s.start, s.end})
		}
	}
}
