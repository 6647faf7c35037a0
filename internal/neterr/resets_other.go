//go:build !windows

package neterr

import "syscall"

// resets are the error numbers of a connection that the other side ended.
var resets = []syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED}
