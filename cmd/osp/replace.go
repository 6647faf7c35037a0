package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// newFileMode lets only the owner read a new file, because a report contains SQL
// parameters and the arguments of functions.
const newFileMode = 0o600

// replace writes a temporary file in the folder of path and renames it to path, so
// that the old file stays unchanged if anything fails. Only its owner can read the
// temporary file. The complete file gets the owner, the group and the permissions
// of the old file, if there is one. Other names of the old file (hard links) keep
// the old content.
func (o output) replace(ctx context.Context, path string, old fs.FileInfo, write func(w io.Writer) error) error {
	if old != nil {
		if err := mayReplace(path, old); err != nil {
			return o.failed(err)
		}
	}
	dir := filepath.Dir(path)
	temporary := filepath.Join(dir, ".osp-"+osprofiler.NewID())
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, newFileMode)
	if err != nil {
		return o.failed(noFileIn(dir, err))
	}
	o.Writer = file
	err = o.write(ctx, write)
	if err == nil {
		err = o.failed(finish(file, old))
	}
	if closed := file.Close(); err == nil {
		err = o.failed(closed)
	}
	if err == nil {
		err = o.failed(os.Rename(temporary, path))
	}
	if err != nil {
		_ = os.Remove(temporary) // the first error is the one to report
	}
	return err
}

func noFileIn(dir string, err error) error {
	return fmt.Errorf("cannot create a file in the folder %q: %w", dir, files.Reason(err))
}

// finish gives a complete file the owner, the group and the permissions of the old
// file, and syncs it to the disk.
func finish(file *os.File, old fs.FileInfo) error {
	if old != nil {
		perm, err := keepOwner(file, old)
		if err != nil {
			return fmt.Errorf("its owner and group cannot be preserved: %w; remove it, or use another path", files.Reason(err))
		}
		if err := file.Chmod(perm); err != nil { // after Chown, because it may let the owner read the file
			return err
		}
	}
	return file.Sync()
}
