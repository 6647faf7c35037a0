package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// newFileMode gives access to the owner and its group only, because
// notifications hold SQL parameters.
const newFileMode = 0o640

// purpose describes the expected file in errors about something else at its
// path.
const purpose = "a file of one notification a line"

// openForWriting opens the file, and creates it if it does not exist. The name
// of the file is on the disk before openForWriting returns.
func (d *fileDriver) openForWriting() (*os.File, error) {
	if err := files.Check(d.path, false, purpose); err != nil {
		return nil, err
	}
	if !d.allowShared {
		if err := files.CheckShared(d.path); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_APPEND|os.O_CREATE|d.noFollow(), newFileMode)
	if err != nil {
		return nil, fmt.Errorf("cannot open the file %q for writing (osp_read_only opens it for reading): %w", d.path, files.Reason(err))
	}
	if err := d.checkOpened(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if d.sync {
		if err := syncFolder(d.path); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// syncFolder is replaced by tests.
var syncFolder = files.SyncFolder

// noFollow returns the flag that keeps the system from following a symbolic
// link which somebody creates between the check and the opening, in a folder
// where everybody may create links.
func (d *fileDriver) noFollow() int {
	if d.allowShared {
		return 0
	}
	return files.NoFollow(d.path)
}

// checkOpened checks the file that was opened, because the file at the path may
// have changed since the path was checked.
func (d *fileDriver) checkOpened(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return d.cannotRead(err)
	case !info.Mode().IsRegular():
		return files.NotOrdinary(d.path, purpose)
	case d.allowShared || d.readOnly:
		return nil
	}
	return files.CheckSharedFile(d.path, info)
}

// openForReading opens the file. It returns nil if the file does not exist and
// Write would create it.
func (d *fileDriver) openForReading() (*os.File, error) {
	if err := files.Check(d.path, d.readOnly, purpose); err != nil {
		return nil, err
	}
	f, err := os.Open(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !d.readOnly:
		return nil, nil
	case err != nil:
		return nil, d.cannotRead(err)
	}
	return f, nil
}

func (d *fileDriver) cannotRead(err error) error {
	return fmt.Errorf("cannot read the file %q: %w", d.path, files.Reason(err))
}
