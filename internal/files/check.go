// Package files checks and describes files for the back ends and commands that
// write them: which account may write a file, where its symbolic links lead,
// which errors of a file system pass, and how a new name is synced to the disk.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Check returns an error if no ordinary file can be opened at the path, or be
// created there if the file need not exist. The error is one sentence, in which
// should names the expected file: "a SQLite database". Check opens nothing,
// because opening a pipe blocks, and closing a database's file releases the locks
// that this process has on that file.
func Check(path string, mustExist bool, should string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && mustExist:
		return fmt.Errorf("cannot read the file %q: %w", path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrNotExist):
		return checkDirectory(path)
	case err != nil:
		return fmt.Errorf("cannot open the file %q: %w", path, Reason(err))
	case info.IsDir():
		return unusable("cannot open the file %q: it is a directory, and should be %s", path, should)
	case !info.Mode().IsRegular():
		return NotOrdinary(path, should)
	}
	return nil
}

// errUnusable is in the chain of errors about files that stay as they are until
// somebody changes the file or the configuration.
var errUnusable = errors.New("unusable file")

type unusableError struct{ error }

func (unusableError) Is(target error) bool { return target == errUnusable }

func unusable(format string, args ...any) error { return unusableError{fmt.Errorf(format, args...)} }

func checkDirectory(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot create the file %q: there is no directory %q: %w", path, dir, fs.ErrNotExist)
	}
	return nil
}

// NotOrdinary returns the error about a file that is a pipe, a device or a
// socket. should names the expected file.
func NotOrdinary(path, should string) error {
	return unusable("cannot open the file %q: it is not a regular file, and should be %s", path, should)
}

// Reason returns an error of package os without its operation and path, for a
// sentence that names both already. An error that only wraps such an error is a
// sentence of its own, and Reason returns it unchanged.
func Reason(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // only the error itself, see above
		case *fs.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		default:
			return err
		}
	}
}
