package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// mostLinks is the largest number of links that are followed, as in Linux.
const mostLinks = 40

// A ForeignLinkError reports a symbolic link that must not be followed.
type ForeignLinkError struct {
	Link  string // its path
	Owner int    // the number of its account
}

func (e *ForeignLinkError) Error() string {
	return fmt.Sprintf("the symbolic link %q belongs to another user and is in a world-writable folder; use another path", e.Link)
}

// ResolveLinks follows all symbolic links of path, also those of its folders. It
// returns the resulting path and what os.Lstat returns for that path. The info is
// nil if the last part of the path does not exist. A missing folder is an error
// that names the folder. A foreign link ([Foreign]) is a *[ForeignLinkError],
// because the link could lead to a file that the link's owner cannot write. Linux
// has the same rule (fs.protected_symlinks), but applies it only to links that the
// kernel follows itself.
//
// ResolveLinks does not follow the links in the folders of processes in /proc,
// because they hold no paths. So the info describes a link if path names an open file.
func ResolveLinks(path string) (resolved string, info fs.FileInfo, err error) {
	w := &walk{volume: filepath.VolumeName(path)}
	w.push(path[len(w.volume):])
	for len(w.ahead) > 0 {
		name := w.ahead[0]
		w.ahead = w.ahead[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if err = w.leave(); err != nil {
				return "", nil, err
			}
			info = nil
			continue
		}
		if info, err = w.enter(name); errors.Is(err, fs.ErrNotExist) && len(w.ahead) == 0 {
			return w.path(), nil, nil
		}
		if err != nil {
			return "", nil, err
		}
	}
	if info == nil {
		info, err = os.Lstat(w.path())
	}
	return w.path(), info, err
}

// A walk goes along a path, one name after the other.
type walk struct {
	volume   string // on Windows
	absolute bool
	passed   []string // names that are no links that can be followed
	fixed    int      // the number of passed names that .. cannot undo
	ahead    []string
	links    int
}

// push puts the names of a path before those that are ahead.
func (w *walk) push(path string) {
	names := strings.FieldsFunc(path, isSeparator)
	if path != "" && isSeparator(rune(path[0])) {
		w.absolute, w.passed, w.fixed = true, nil, 0
	}
	if path != "" && isSeparator(rune(path[len(path)-1])) {
		names = append(names, ".") // the path names a folder
	}
	w.ahead = slices.Concat(names, w.ahead)
}

func isSeparator(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) }

func (w *walk) path() string {
	const separator = string(filepath.Separator)
	path := strings.Join(w.passed, separator)
	switch {
	case w.absolute:
		return w.volume + separator + path
	case path == "":
		return w.volume + "."
	}
	return w.volume + path
}

// leave goes to the parent of the folder.
func (w *walk) leave() error {
	switch {
	case len(w.passed) > w.fixed:
		w.passed = w.passed[:len(w.passed)-1]
	case !w.absolute:
		w.passed = append(w.passed, "..")
		w.fixed = len(w.passed)
	case w.fixed > 0: // the path would not say so after filepath.Clean
		return fmt.Errorf("it goes from the link %q of a process to the parent folder; use another path", w.path())
	}
	return nil
}

// enter goes to a file of the folder. If the file is a link, enter puts the path of
// the link ahead instead. enter also goes to a file that does not exist.
func (w *walk) enter(name string) (fs.FileInfo, error) {
	w.passed = append(w.passed, name)
	path := w.path()
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case info.Mode().IsRegular() && len(w.ahead) > 0:
		return nil, &fs.PathError{Op: "lstat", Path: path, Err: syscall.ENOTDIR}
	case info.Mode()&fs.ModeSymlink == 0:
		return info, nil
	case isProcessLink(path, info):
		w.fixed = len(w.passed)
		return info, nil
	case Foreign(path, info):
		uid, _, _ := Owner(info)
		return nil, &ForeignLinkError{Link: path, Owner: uid}
	}
	if w.links++; w.links > mostLinks {
		return nil, &fs.PathError{Op: "lstat", Path: path, Err: syscall.ELOOP}
	}
	target, err := os.Readlink(path)
	if err != nil {
		return nil, err
	}
	w.passed = w.passed[:len(w.passed)-1]
	if volume := filepath.VolumeName(target); volume != "" {
		w.volume, target = volume, target[len(volume):]
	}
	w.push(target)
	return nil, nil
}
