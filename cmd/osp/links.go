package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// mostLinks is how many links are followed, as in Linux.
const mostLinks = 40

var errPlanted = errors.New("it belongs to another user, in a folder where everybody may create files; name another file")

// followLinks returns the path behind all symbolic links. The last part of the
// path need not exist. A link that another user may have planted is refused, as
// Linux does (fs.protected_symlinks): it could lead to a file of ours.
func followLinks(name string) (string, error) {
	for range mostLinks {
		dir, base := filepath.Split(name)
		if base == "" || base == "." || base == ".." {
			return "", syscall.EISDIR
		}
		if dir == "" {
			dir = "."
		}
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, base)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return path, nil
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink == 0, strings.HasPrefix(path, "/proc/"): // its links hold no paths
			return path, nil
		case isPlanted(path, info):
			return "", fmt.Errorf("the link %q leads elsewhere: %w", path, errPlanted)
		}
		if name, err = os.Readlink(path); err != nil {
			return "", err
		}
		if !filepath.IsAbs(name) {
			name = dir + string(filepath.Separator) + name // not joined: a .. may stand behind a link
		}
	}
	return "", syscall.ELOOP
}

// ownDescriptor returns the open file that a path like /dev/stdout or /dev/fd/3
// names, nil if the path names none. To open such a path would be wrong: a
// regular file behind it would be written from its begin.
func ownDescriptor(path string) *os.File {
	dir, base := filepath.Split(path)
	if dir != "/dev/fd/" && dir != fmt.Sprintf("/proc/%d/fd/", os.Getpid()) {
		return nil
	}
	number, err := strconv.ParseUint(base, 10, 16)
	switch {
	case err != nil:
		return nil
	case number == 1:
		return os.Stdout
	case number == 2:
		return os.Stderr
	}
	return os.NewFile(uintptr(number), path)
}
