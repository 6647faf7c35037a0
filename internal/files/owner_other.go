//go:build !unix

package files

import (
	"io/fs"
	"strconv"
)

// ONoFollow is 0 here, because there is no such flag.
const ONoFollow = 0

// Owner returns no owner here, because access lists control who may use a file.
func Owner(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

func isProcessLink(string, fs.FileInfo) bool { return false }

func account(uid int) string { return strconv.Itoa(uid) }

// Unlinked returns false, because a file that is open cannot be removed here.
func Unlinked(fs.FileInfo) bool { return false }
