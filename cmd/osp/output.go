package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler"
)

// writeTo lets write write to a file, or to stdout if there is no name. A file
// is there whole or not at all: it is written beside its place, then moved
// there. What is no plain file (a device, a pipe) is written directly.
func writeTo(name string, stdout io.Writer, write func(w io.Writer) error) error {
	if name == "" {
		return buffered(stdout, write)
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replaceFile(name, 0, write)
	case err != nil:
		return err
	case info.Mode().IsRegular():
		return replaceFile(name, info.Mode().Perm(), write)
	}
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(buffered(file, write), file.Close())
}

func buffered(w io.Writer, write func(w io.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// replaceFile writes a file beside its place and moves it there. It keeps the
// mode of the file it replaces; a new one gets the usual.
func replaceFile(name string, mode fs.FileMode, write func(w io.Writer) error) error {
	beside := filepath.Join(filepath.Dir(name), ".osp-"+osprofiler.NewID())
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("cannot write %q: %w", name, errors.Unwrap(err))
	}
	err = buffered(file, write)
	if err == nil && mode != 0 {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(beside, name)
	}
	if err != nil {
		_ = os.Remove(beside) // the first error is the one to tell
	}
	return err
}
