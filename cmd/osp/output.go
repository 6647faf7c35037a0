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
)

// writeTo lets write write to the file that name names, or to stdout if name is
// empty. A regular file is replaced whole or not at all ([output.replace]);
// anything else (a device, a pipe, a descriptor of this process) is written
// directly. Links are followed, also one whose target is not there yet. The
// errors of write come back as they are. writeTo returns when ctx ends, even
// if nobody reads the pipe.
func writeTo(ctx context.Context, name string, stdout io.Writer, write func(w io.Writer) error) error {
	if name == "" {
		return output{stdout, "the output"}.write(ctx, write)
	}
	o := output{name: fmt.Sprintf("the file %q", name)}
	path, err := followLinks(name)
	if err != nil {
		return o.failed(err)
	}
	if file := ownDescriptor(path); file != nil {
		o.Writer = file
		return o.write(ctx, write)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o.replace(ctx, path, nil, write)
	case err != nil:
		return o.failed(err)
	case info.Mode().IsRegular():
		return o.replace(ctx, path, info, write)
	case !info.IsDir() && isPlanted(path, info):
		return o.failed(errPlanted)
	}
	file, err := await(ctx, func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) })
	if err != nil {
		return o.failed(err)
	}
	o.Writer = file
	return errors.Join(o.write(ctx, write), o.failed(file.Close()))
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

// write lets write write to o through a buffer, until ctx ends.
func (o output) write(ctx context.Context, write func(w io.Writer) error) error {
	b := bufio.NewWriterSize(interruptible{ctx, o}, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}
