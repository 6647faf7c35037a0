package files

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// States are the errors of file systems with their classes.
var States = serverstate.Table{
	Source: "the Linux manual, open(2), write(2), fsync(2), ftruncate(2), flock(2) and nfs(5)",
	States: []serverstate.State{
		{Code: "EINTR", Name: "a signal came first", Class: serverstate.Passes},
		{Code: "EAGAIN", Name: "another process is in the way", Class: serverstate.Passes},
		{Code: "EBUSY", Name: "the device is in use", Class: serverstate.Passes},
		{Code: "ENOMEM", Name: "the kernel has no memory now", Class: serverstate.Passes},
		{Code: "EMFILE", Name: "this process has too many files open", Class: serverstate.Passes, Ran: "TestTooManyOpenFiles"},
		{Code: "ENFILE", Name: "the system has too many files open", Class: serverstate.Passes},
		{Code: "ENOLCK", Name: "the lock table is full or the lock service is away", Class: serverstate.Passes},
		{Code: "ETIMEDOUT", Name: "NFS, soft mounts: the server does not answer", Class: serverstate.Passes},
		{Code: "ESTALE", Name: "NFS: the file was removed on the server; the next write opens the path anew", Class: serverstate.Passes},
		{Code: "EDEADLK", Name: "to wait for the lock would never end", Class: serverstate.Passes},
		{Code: "ENOSPC", Name: "the disk is full until somebody frees room", Class: serverstate.Passes, Ran: "TestDiskFullForAWhile"},
		{Code: "EDQUOT", Name: "the quota is used up until somebody frees room", Class: serverstate.Passes},
		{Code: "ENOENT", Name: "the folder is away until somebody makes it again", Class: serverstate.Passes, Ran: "TestFolderAway"},
		{Code: "EIO", Name: "the disk failed, or another process's writes failed; a path of several may come back", Class: serverstate.Unknown},
		{Code: "ENXIO", Name: "the device is away", Class: serverstate.Unknown},
		{Code: "ENODEV", Name: "the device is away", Class: serverstate.Unknown},
		{Code: "ENETDOWN", Name: "NFS, AFS: the network is away", Class: serverstate.Passes},
		{Code: "ENETUNREACH", Name: "NFS, AFS: the network is away", Class: serverstate.Passes},
		{Code: "EHOSTDOWN", Name: "NFS, AFS: the server is away", Class: serverstate.Passes},
		{Code: "EHOSTUNREACH", Name: "NFS, AFS: the server is away", Class: serverstate.Passes},
		{Code: "ENOTCONN", Name: "FUSE: the file system's process ended", Class: serverstate.Passes},
		{Code: "ECONNRESET", Name: "NFS, AFS: the connection was lost", Class: serverstate.Passes},
		{Code: "EFBIG", Name: "the file may not become so large, until somebody rotates it", Class: serverstate.Passes, Ran: "TestNoRoom"},
		{Code: "EROFS", Name: "the file system is mounted for reading only", Class: serverstate.Stays, Ran: "TestReadOnlyMount"},
		{Code: "EACCES", Name: "there is no right to write the file", Class: serverstate.Stays},
		{Code: "EPERM", Name: "the file is sealed or immutable", Class: serverstate.Stays},
		{Code: "ENOTDIR", Name: "a folder of the path is a file", Class: serverstate.Stays, Ran: "TestBadPlaces"},
		{Code: "EISDIR", Name: "the path is a folder", Class: serverstate.Stays},
		{Code: "ELOOP", Name: "symbolic links go in a circle", Class: serverstate.Stays},
		{Code: "ENAMETOOLONG", Name: "a name of the path is too long", Class: serverstate.Stays},
		{Code: "EINVAL", Name: "the path is not a regular file", Class: serverstate.Stays},
		{Code: "EBADF", Name: "a fault of this program", Class: serverstate.Stays},
		{Code: "EFAULT", Name: "a fault of this program", Class: serverstate.Stays},
		{Code: "ENOSYS", Name: "the file system cannot", Class: serverstate.Stays},
		{Code: "ENOTSUP", Name: "the file system cannot", Class: serverstate.Stays},
		{Code: "EPIPE", Name: "the path is a pipe", Class: serverstate.Stays},
	},
}

// errnos are the numbers of States.
var errnos = []syscall.Errno{
	syscall.EINTR, syscall.EAGAIN, syscall.EBUSY, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE,
	syscall.ENOLCK, syscall.ETIMEDOUT, syscall.ESTALE, syscall.EDEADLK, syscall.ENOSPC, syscall.EDQUOT,
	syscall.ENOENT, syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.ENETDOWN, syscall.ENETUNREACH,
	syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENOTCONN, syscall.ECONNRESET, syscall.EFBIG, syscall.EROFS,
	syscall.EACCES, syscall.EPERM, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG,
	syscall.EINVAL, syscall.EBADF, syscall.EFAULT, syscall.ENOSYS, syscall.ENOTSUP, syscall.EPIPE,
}

// ClassOf returns the class of an error about a file. An error that is not in
// the table is unknown.
func ClassOf(err error) serverstate.Class {
	var errno syscall.Errno
	switch {
	case errors.Is(err, errUnusable):
		return serverstate.Stays
	case errors.As(err, &errno):
		return errnoClass(errno)
	case errors.Is(err, fs.ErrNotExist):
		return serverstate.Passes
	}
	return serverstate.Unknown
}

func errnoClass(errno syscall.Errno) serverstate.Class {
	if class, ok := systemClass(errno); ok {
		return class
	}
	if i := slices.Index(errnos, errno); i >= 0 {
		return States.States[i].Class
	}
	return serverstate.Unknown
}

// cannotSync reports whether a sync failed because the file system cannot sync.
func cannotSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}
