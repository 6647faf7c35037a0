//go:build !unix

package backend

import (
	"io/fs"
	"strconv"
)

// ONoFollow is no flag here: opening follows links.
const ONoFollow = 0

// Owner knows no owner here: access lists say who may do what.
func Owner(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

func isProcessLink(string, fs.FileInfo) bool { return false }

func account(uid int) string { return strconv.Itoa(uid) }

// Unlinked is false: a file that is open cannot be removed here.
func Unlinked(fs.FileInfo) bool { return false }
