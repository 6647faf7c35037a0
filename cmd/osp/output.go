package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/osprofiler-otel/osprofiler"
)

// writeTo lets write write to a file, or to stdout if there is no name. A file
// is there whole or not at all: it is written beside its place, then moved
// there. What is no plain file (a device, a pipe) is written directly. The
// errors of write itself come back as they are.
func writeTo(name string, stdout io.Writer, write func(w io.Writer) error) error {
	if name == "" {
		return buffered(output{stdout, "the output"}, write)
	}
	o := output{name: fmt.Sprintf("the file %q", name)}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o.replace(name, 0, write)
	case err != nil:
		return o.failed(err)
	case info.Mode().IsRegular():
		return o.replace(name, info.Mode().Perm(), write)
	}
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return o.failed(err)
	}
	o.Writer = file
	return errors.Join(buffered(o, write), o.failed(file.Close()))
}

// An output names itself when it fails.
type output struct {
	io.Writer
	name string
}

// Write implements io.Writer.
func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	return n, o.failed(err)
}

func (o output) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot write %s: %w", o.name, reason(err))
}

// reason drops the operation and the path, which our sentences name already.
func reason(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}

func buffered(o output, write func(w io.Writer) error) error {
	b := bufio.NewWriterSize(o, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// replace writes a file beside its place and moves it there. It keeps the mode
// of the file it replaces; a new one gets the usual.
func (o output) replace(name string, mode fs.FileMode, write func(w io.Writer) error) error {
	beside := filepath.Join(filepath.Dir(name), ".osp-"+osprofiler.NewID())
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // the umask decides, as for any file that the user asks for
	if err != nil {
		return o.failed(err)
	}
	o.Writer = file
	err = buffered(o, write)
	if err == nil && mode != 0 {
		err = o.failed(file.Chmod(mode))
	}
	if err == nil {
		err = o.failed(file.Sync())
	}
	if closed := file.Close(); err == nil {
		err = o.failed(closed)
	}
	if err == nil {
		err = o.failed(os.Rename(beside, name))
	}
	if err != nil {
		_ = os.Remove(beside) // the first error is the one to tell
	}
	return err
}
