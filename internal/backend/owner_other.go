//go:build !unix

package backend

import (
	"io/fs"
	"strconv"
)

const noFollow = 0

// ownerOf knows no owner here: access lists say who may do what.
func ownerOf(fs.FileInfo) (uid int, ok bool) { return 0, false }

func account(uid int) string { return strconv.Itoa(uid) }

// Unlinked is false: a file that is open cannot be removed here.
func Unlinked(fs.FileInfo) bool { return false }
