package backend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckFile says in one sentence why no ordinary file can be opened at the
// path, or made there if it need not exist; should says what should stand
// there. Nothing is opened: a pipe would wait, and a database would lose its locks.
func CheckFile(path string, mustExist bool, should string) error {
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

// NotOrdinary returns the error about a file that is no ordinary one; should says
// what should stand at the path.
func NotOrdinary(path, should string) error {
	return unusable("cannot open the file %q: it is no ordinary file, and should be %s", path, should)
}

// Reason drops the operation and the path from an error of package os, which
// our sentences name already. An error that only wraps such an error is a
// sentence of its own and stays as it is.
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
