//go:build unix

package files

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// ONoFollow is the flag with which opening a symbolic link fails.
const ONoFollow = syscall.O_NOFOLLOW

// Owner returns the numbers of the user and the group that a file belongs to.
func Owner(info fs.FileInfo) (uid, gid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}

// isProcessLink reports whether a link is in a folder of /proc, such as
// /proc/1/fd. Only the kernel can follow it. The links of /proc itself, such as
// /proc/self, are ordinary ones.
func isProcessLink(path string, info fs.FileInfo) bool {
	top, err := os.Lstat("/proc")
	if err != nil {
		return false
	}
	proc, ok := top.Sys().(*syscall.Stat_t)
	stat, okLink := info.Sys().(*syscall.Stat_t)
	if !ok || !okLink || proc.Dev != stat.Dev {
		return false
	}
	folder, err := os.Stat(filepath.Dir(path))
	return err == nil && !os.SameFile(folder, top)
}

// account names an account by its name, or by its number if it has no name.
func account(uid int) string {
	number := strconv.Itoa(uid)
	if u, err := user.LookupId(number); err == nil {
		return fmt.Sprintf("the user %q", u.Username)
	}
	return "the user " + number
}

// Unlinked reports whether an open file has no name any more, so that its content
// is lost when the last process closes it.
func Unlinked(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}
