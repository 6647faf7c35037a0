//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// owner returns the user and the group that a file belongs to.
func owner(info fs.FileInfo) (uid, gid int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}

// isPlanted tells whether the file stands in a folder where everybody may
// create files, and belongs neither to us nor to the owner of the folder.
func isPlanted(path string, info fs.FileInfo) bool {
	uid, _, known := owner(info)
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil || !known {
		return false
	}
	const everybodyMayWrite = 0o002
	folderUID, _, _ := owner(folder)
	return folder.Mode().Perm()&everybodyMayWrite != 0 && uid != os.Geteuid() && uid != folderUID
}

// mayReplace says why an old file must not be replaced. Only root can give a
// file to the user that it belongs to.
func mayReplace(path string, old fs.FileInfo) error {
	uid, _, known := owner(old)
	switch {
	case isPlanted(path, old):
		return errPlanted
	case known && uid != os.Geteuid() && os.Geteuid() != 0:
		return fmt.Errorf("it belongs to another user (uid %d), and only root could keep it so; remove it, or name another file", uid)
	}
	return nil
}

// keepOwner gives a file the owner and the group of the old one.
func keepOwner(file *os.File, old fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	uid, gid, known := owner(old)
	if ours, ourGroup, _ := owner(info); !known || ours == uid && ourGroup == gid {
		return nil
	}
	return file.Chown(uid, gid)
}
