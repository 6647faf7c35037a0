package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

// A report holds SQL parameters and the arguments of functions.
const newFileMode = 0o600 // the owner only

// replace writes a temporary file in the folder of path and renames it to path,
// so that the old file stays whole if anything fails. The temporary file can be
// read by its owner only. It gets the owner, the group and the permissions of
// the old file, if there is one, when it is complete. If path has other names
// (hard links), they keep the old text.
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
	return fmt.Errorf("no file can be created in the folder %q: %w", dir, backend.Reason(err))
}

// finish gives a complete file the owner, the group and the permissions of the
// old one, and brings it to the disk.
func finish(file *os.File, old fs.FileInfo) error {
	if old != nil {
		perm, err := keepOwner(file, old)
		if err != nil {
			return fmt.Errorf("its owner and group cannot be kept: %w; remove it, or name another file", backend.Reason(err))
		}
		if err := file.Chmod(perm); err != nil { // after the owner, who may read it from here on
			return err
		}
	}
	return file.Sync()
}
