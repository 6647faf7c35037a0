package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckShared returns an error if another account may have made the file at the
// path, or may write it without being in its group. It refuses
//
//   - a file that everybody may write,
//   - a file that belongs neither to this process's account nor to root, unless
//     a group shares it: its group may write it, and not everybody may make
//     files in its folder,
//   - a path with a foreign link, see [ResolveLinks].
//
// A file that does not exist is no error. Modes mean nothing on Windows, so
// CheckShared refuses nothing there.
func CheckShared(path string) error {
	if err := checkLinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil //nolint:nilerr // whoever opens the file says it better
	}
	return CheckSharedFile(path, info)
}

// CheckSharedFile is CheckShared for an open file that info describes, so that nobody
// can replace the file between the check and its use. It does not check links.
func CheckSharedFile(path string, info fs.FileInfo) error {
	owner, _, ok := Owner(info)
	switch {
	case !ok:
		return nil
	case info.Mode().Perm()&0o002 != 0:
		return refuseShared(path, "everybody may write it", fmt.Sprintf("take that right away (chmod o-w %q)", path))
	case trusted(owner):
		return nil
	case everybodyMayWrite(folderOf(path)):
		return refuseShared(path, "it belongs to "+account(owner)+", in a folder in which everybody may make files",
			"use a folder of this service's own")
	case info.Mode().Perm()&0o020 == 0:
		return refuseShared(path, "it belongs to "+account(owner)+", and this process runs as "+account(os.Geteuid()),
			"run as its owner, or let a group share it (chmod g+w)")
	}
	return nil
}

func refuseShared(path, why, right string) error {
	return unusable("cannot write notifications into the file %q: %s, so others could read or change them; %s, or allow it with osp_allow_shared=yes", path, why, right)
}

func checkLinks(path string) error {
	_, _, err := ResolveLinks(path)
	var foreign *ForeignLinkError
	if !errors.As(err, &foreign) {
		return nil // the code that opens the file reports the other errors better
	}
	return refuseShared(path, fmt.Sprintf("the symbolic link %q belongs to %s, in a folder in which everybody may make links",
		foreign.Link, account(foreign.Owner)), "use a folder of this service's own")
}

// Foreign reports whether another user may have put a file (a link, a pipe) at the
// path. This is so if everybody may write the file's folder, and the file belongs
// neither to this process's account nor to root. A file of the folder's owner is
// foreign, too. info is what os.Lstat returned for path. Where files have no numeric
// owner, no file is foreign.
func Foreign(path string, info fs.FileInfo) bool {
	uid, _, ok := Owner(info)
	return ok && !trusted(uid) && everybodyMayWrite(filepath.Dir(path))
}

// folderOf returns the folder of the file to which the symbolic links of path lead.
func folderOf(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return filepath.Dir(path)
}

func everybodyMayWrite(folder string) bool {
	info, err := os.Stat(folder)
	return err == nil && info.Mode().Perm()&0o002 != 0
}

// Exposed reports whether everybody may make files in the folder of a file.
func Exposed(path string) bool { return everybodyMayWrite(folderOf(path)) }

// NoFollow returns the flag [ONoFollow] for a path in a folder in which everybody
// may make links, if the path is no link now. Elsewhere, and for a link, which
// CheckShared has accepted, NoFollow returns 0.
func NoFollow(path string) int {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 || !everybodyMayWrite(filepath.Dir(path)) {
		return 0
	}
	return ONoFollow
}

// trusted reports whether an account may own what this process writes.
func trusted(owner int) bool { return owner == 0 || owner == os.Geteuid() }
