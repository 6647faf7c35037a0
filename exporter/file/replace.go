//go:build !windows

package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// replace replaces the file by a new one without the ranges. The caller has
// locked the file. If replace fails, the file is unchanged.
func (d *fileDriver) replace(ctx context.Context, f *os.File, info fs.FileInfo, ranges []byteRange) error {
	path, err := filepath.EvalSymlinks(d.path)
	if err != nil {
		return d.cannotReplace(err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return d.cannotReplace(fmt.Errorf("no file can be created in its folder: %w", files.Reason(err)))
	}
	err = errors.Join(d.fill(ctx, temporary, f, info, ranges), temporary.Close())
	if err == nil && !isAt(f, path) { // a rotation takes no lock
		err = errors.New("it was moved away meanwhile")
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name()) // the first error is the one to report
		return d.cannotReplace(err)
	}
	return nil
}

func (d *fileDriver) cannotReplace(err error) error {
	return fmt.Errorf("cannot delete from the file %q: %w", d.path, files.Reason(err))
}

// fill writes the content of the new file, gives the new file the owner, the
// group and the permissions of the old one, and waits for the disk. It waits
// even without WithSync, because notifications that are already on the disk must
// not be lost.
func (d *fileDriver) fill(ctx context.Context, to, from *os.File, info fs.FileInfo, without []byteRange) error {
	size := info.Size()
	for _, r := range without {
		size -= r.end - r.start
	}
	if size > files.SizeLimit() { // the kernel would end the process
		return files.ErrTooLarge
	}
	start := int64(0)
	for _, r := range append(without, byteRange{info.Size(), info.Size()}) {
		if err := copyRange(ctx, to, from, byteRange{start, r.start}); err != nil {
			return err
		}
		start = r.end
	}
	if err := makeLike(to, info); err != nil {
		return fmt.Errorf("the new file cannot get its owner, group and permissions: %w", files.Reason(err))
	}
	return syncOf(to)
}

// copiedBytes is how much is copied between two checks of the context.
const copiedBytes = 16 << 20

func copyRange(ctx context.Context, to, from *os.File, r byteRange) error {
	if _, err := from.Seek(r.start, io.SeekStart); err != nil { // appending ignores the offset
		return err
	}
	for at := r.start; at < r.end; at += copiedBytes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(to, from, min(r.end-at, copiedBytes)); err != nil {
			return err
		}
	}
	return nil
}

// makeLike gives a file the owner, the group and the permissions of another one.
func makeLike(f *os.File, model fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	uid, gid, ok := files.Owner(model)
	ownUID, ownGID, _ := files.Owner(info)
	if ok && (uid != ownUID || gid != ownGID) {
		if err := f.Chown(uid, gid); err != nil {
			return err
		}
	}
	return f.Chmod(model.Mode().Perm()) // set after the owner, because changing the owner may change the permissions
}
