//go:build !windows

package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Delete implements driver.Deleter. It writes the file without the lines of the
// trace to a new file beside it, and renames the new file over the old one. Both
// happen under the lock that writers take, so that nothing is appended to the
// old file meanwhile. If Delete fails before the renaming, the file is
// unchanged. Lines that cannot be read stay as they are.
//
// On Windows an open file cannot be replaced, so there the driver cannot delete.
func (d *fileDriver) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	deletions, err := d.DeleteTraces(ctx, []string{baseID})
	if len(deletions) == 0 {
		return 0, err
	}
	return deletions[0].Notifications, err
}

// DeleteTraces implements driver.BulkDeleter. It rewrites the file once for all
// traces, as Delete does for one. So either all traces are deleted or none is.
func (d *fileDriver) DeleteTraces(ctx context.Context, baseIDs []string) (deletions []driver.Deletion, err error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case f := <-d.appending:
		v := newVictims(baseIDs)
		f, err = d.delete(ctx, f, v)
		d.appending <- f
		return v.deletions, err
	}
}

// victims are the traces to delete, and the counts of their lines.
type victims struct {
	index     map[string]int // index into deletions by base id
	filter    lineFilter
	deletions []driver.Deletion // one for each base id
}

func newVictims(baseIDs []string) *victims {
	v := &victims{index: make(map[string]int, len(baseIDs)), filter: everyLine, deletions: make([]driver.Deletion, len(baseIDs))}
	for i, id := range baseIDs {
		v.index[id] = i
	}
	if len(baseIDs) == 1 { // looking for many ids in a line takes longer than parsing it
		v.filter = linesWith(baseIDs[0])
	}
	return v
}

// none resets the counts, because nothing was deleted after all.
func (v *victims) none() { clear(v.deletions) }

// delete deletes from the file at the driver's path. It takes the file that is
// open for appending, and returns the file that is open afterwards.
func (d *fileDriver) delete(ctx context.Context, f *os.File, v *victims) (_ *os.File, err error) {
	existing, err := d.openForReading()
	if existing == nil {
		return f, err
	}
	_ = existing.Close() // only its existence counts
	if f, err = d.lockCurrent(ctx, f); err != nil {
		return f, err
	}
	defer func() {
		if f != nil {
			unlock(f)
		}
	}()
	if err := d.lockStrictly(ctx, f, exclusive); err != nil { // lockCurrent accepts a file system without locks
		return f, fmt.Errorf("cannot delete from the file %q, because lines that are appended meanwhile would be lost: %w", d.path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return f, d.cannotRead(err)
	}
	ranges, err := d.linesOf(ctx, f, info.Size(), v)
	if err != nil || len(ranges) == 0 {
		v.none()
		return f, err
	}
	if err := d.replace(ctx, f, info, ranges); err != nil {
		v.none()
		return f, err
	}
	_ = f.Close() // it has no name any more
	f = nil
	return f, syncFolder(d.path)
}

// A byteRange is a part of the file.
type byteRange struct{ start, end int64 }

// linesOf returns the ranges of the lines of the traces, in order, and counts those
// lines. Each range costs 16 bytes of memory.
func (d *fileDriver) linesOf(ctx context.Context, f *os.File, size int64, v *victims) (ranges []byteRange, err error) {
	s := d.newScanner(ctx, f, 0, size, v.filter)
	for {
		n, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return ranges, nil
		case store.Ends(err):
			return nil, err
		case err != nil:
			continue
		}
		i, isVictim := v.index[n.BaseID]
		if !isVictim {
			continue
		}
		v.deletions[i].Notifications++
		if last := len(ranges) - 1; last >= 0 && ranges[last].end == s.start {
			ranges[last].end = s.end
		} else {
			ranges = append(ranges, byteRange{s.start, s.end})
		}
	}
}
