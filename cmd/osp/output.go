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

	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

var errForeign = errors.New("it belongs to another user and stands in a world-writable folder; use another path")

// writeTo lets write write to the file that name names, or to stdout if name is
// empty. A regular file is replaced whole or not at all ([output.replace]);
// anything else (a device, a pipe, a descriptor of this process) is written
// directly. Links are followed, also one whose target is not there yet. Files
// and links that another user may have put there for us to find are refused
// ([backend.Foreign]). The errors of write come back as they are. writeTo
// returns when ctx ends, even if nobody reads the pipe.
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

// resolve returns the path behind the links of name, and the file there. The
// info is nil if there is no such file yet.
func resolve(name string) (path string, info fs.FileInfo, err error) {
	path, info, err = backend.ResolveLinks(name)
	var missing *fs.PathError
	if errors.As(err, &missing) && errors.Is(err, fs.ErrNotExist) {
		return "", nil, noFileIn(missing.Path, missing)
	}
	return path, info, err
}

// openSpecial opens a file that is not regular, unless it is another one than
// info describes by now.
func openSpecial(path string, info fs.FileInfo) (*os.File, error) {
	isLink := info.Mode()&fs.ModeSymlink != 0 // of a process's open file, which only the kernel can follow
	flags := os.O_WRONLY
	switch {
	case info.IsDir():
		return nil, syscall.EISDIR
	case backend.Foreign(path, info):
		return nil, errForeign
	case !isLink:
		flags |= backend.ONoFollow
	}
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	opened, err := file.Stat()
	switch {
	case err != nil:
	case opened.Mode().IsRegular() && isLink:
		err = errors.New("it is a regular file that another process has open; name the file itself")
	case !isLink && !os.SameFile(opened, info):
		err = errors.New("it was replaced by another file at the same time; try again")
	default:
		return file, nil
	}
	_ = file.Close() // nothing was written
	return nil, err
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
	return fmt.Errorf("cannot write %s: %w", o.name, backend.Reason(err))
}

// write lets write write to o through a buffer, until ctx ends.
func (o output) write(ctx context.Context, write func(w io.Writer) error) error {
	b := bufio.NewWriterSize(interruptible{ctx, o}, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}
