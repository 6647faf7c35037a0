package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// smallFile is the largest number of bytes that ReadSmall reads.
const smallFile = 1 << 20

var (
	errNotRegular = errors.New("it is no regular file")
	errLarge      = fmt.Errorf("it has more than %d bytes, the most that such a file may have", smallFile)
)

// ReadSmall reads a regular file that a connection string names: certificates, a
// key, passwords or services. It does not read pipes and devices, because they could
// block, and reads no more than 1 MiB, because more could fill the memory. The error
// is a *fs.PathError.
func ReadSmall(path string) ([]byte, error) {
	if err := regular(os.Stat(path)); err != nil {
		return nil, atPath("open", path, err)
	}
	// If a pipe has replaced the file meanwhile, opening it does not block.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	if err := regular(file.Stat()); err != nil {
		return nil, atPath("open", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(file, smallFile+1))
	if err == nil && len(text) > smallFile {
		err = errLarge
	}
	if err != nil {
		return nil, atPath("read", path, err)
	}
	return text, nil
}

func regular(info fs.FileInfo, err error) error {
	if err == nil && !info.Mode().IsRegular() {
		return errNotRegular
	}
	return err
}

// atPath returns an error that names the operation that failed and its path.
func atPath(operation, path string, err error) error {
	return &fs.PathError{Op: operation, Path: path, Err: Reason(err)}
}
