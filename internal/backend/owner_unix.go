//go:build unix

package backend

import (
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

// ownerOf returns the number of the account that a file belongs to.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

// account names an account by its number, and by its name if there is one.
func account(uid int) string {
	number := strconv.Itoa(uid)
	if known, err := user.LookupId(number); err == nil {
		return fmt.Sprintf("the user %q", known.Username)
	}
	return "the user " + number
}

// Unlinked tells whether an open file has no name any more, so that it ends
// with the last process that has it open.
func Unlinked(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}
