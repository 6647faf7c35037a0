package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

var errForeign = errors.New("it belongs to another user and is in a world-writable folder; use another path")

// writeTo calls write with a writer to the named file, or to stdout if name is
// empty. A regular file is replaced as a whole or not at all ([output.replace]).
// Anything else (a device, a pipe, a descriptor of this process) is written
// directly.
//
// writeTo follows links, also links whose target does not exist yet. It refuses
// files and links with which another user may try to redirect the output
// ([files.Foreign]). It returns the errors of write unchanged. It returns when ctx
// ends, even if nobody reads the pipe.
func writeTo(ctx context.Context, name string, stdout io.Writer, write func(w io.Writer) error) error {
	if name == "" {
		return output{stdout, "the output"}.write(ctx, write)
	}
	o := output{name: fmt.Sprintf("the file %q", name)}
	path, info, err := resolve(name)
	if err != nil {
		return o.failed(err)
	}
	file, err := openDescriptor(path)
	switch {
	case err != nil:
		return o.failed(err)
	case file != nil:
		o.Writer = file
		return o.write(ctx, write)
	case info == nil, info.Mode().IsRegular():
		return o.replace(ctx, path, info, write)
	}
	if file, err = await(ctx, func() (*os.File, error) { return openSpecial(path, info) }); err != nil {
		return o.failed(err)
	}
	o.Writer = file
	return errors.Join(o.write(ctx, write), o.failed(file.Close()))
}

// resolve returns the path of name without links, and the info of that file. The
// info is nil if the file does not exist yet.
func resolve(name string) (path string, info fs.FileInfo, err error) {
	path, info, err = files.ResolveLinks(name)
	var missing *fs.PathError
	if errors.As(err, &missing) && errors.Is(err, fs.ErrNotExist) {
		return "", nil, noFileIn(missing.Path, missing)
	}
	return path, info, err
}

// openSpecial opens a file that is not regular. It fails if the path now names
// another file than info describes.
func openSpecial(path string, info fs.FileInfo) (*os.File, error) {
	isLink := info.Mode()&fs.ModeSymlink != 0 // a link to an open file of a process, which only the kernel can follow
	flags := os.O_WRONLY
	switch {
	case info.IsDir():
		return nil, syscall.EISDIR
	case files.Foreign(path, info):
		return nil, errForeign
	case !isLink:
		flags |= files.ONoFollow
	}
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	opened, err := file.Stat()
	switch {
	case err != nil:
	case opened.Mode().IsRegular() && isLink:
		err = errors.New("it is a regular file that another process has open; use the path of the file itself")
	case !isLink && !os.SameFile(opened, info):
		err = errors.New("another process replaced it at the same time; try again")
	default:
		return file, nil
	}
	_ = file.Close() // nothing was written
	return nil, err
}

// An output is a writer whose errors contain its name.
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
	return fmt.Errorf("cannot write %s: %w", o.name, files.Reason(err))
}

// write calls write with a buffered writer to o, which fails when ctx ends.
func (o output) write(ctx context.Context, write func(w io.Writer) error) error {
	b := bufio.NewWriterSize(interruptible{ctx, o}, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}
