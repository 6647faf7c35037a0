package neterr

import "syscall"

// resets are the error numbers of a connection that the other side ended.
var resets = []syscall.Errno{
	syscall.WSAECONNRESET, syscall.WSAECONNABORTED, syscall.ERROR_BROKEN_PIPE,
	syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED,
}
