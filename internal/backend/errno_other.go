//go:build !windows

package backend

import "syscall"

func systemClass(syscall.Errno) (Class, bool) { return Unknown, false }
