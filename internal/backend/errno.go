package backend

import (
	"errors"
	"io/fs"
	"syscall"
)

// A Class says whether a failure of the operating system goes away.
type Class int

// The classes of failures.
const (
	Unknown Class = iota // nobody can tell; to try again does no harm
	Passes               // it goes away, by itself or when somebody mends it: try again
	Stays                // the same call fails again until the configuration changes
)

// A Failure is a row of the table of failures.
type Failure struct {
	Class  Class
	Source string // where the class was learnt: "ran: " and the test, or "read: " and the text
}

// Failures are the failures of file systems, from open(2), write(2), fsync(2),
// ftruncate(2) and flock(2) of the Linux manual.
var Failures = map[syscall.Errno]Failure{
	syscall.EINTR:        {Passes, "read: open(2), flock(2): a signal came first"},
	syscall.EAGAIN:       {Passes, "read: write(2), flock(2): another process is in the way"},
	syscall.EBUSY:        {Passes, "read: open(2): the device is in use"},
	syscall.ENOMEM:       {Passes, "read: open(2): the kernel has no memory now"},
	syscall.EMFILE:       {Passes, "ran: TestTooManyOpenFiles: this process has too many files open"},
	syscall.ENFILE:       {Passes, "read: open(2): the system has too many files open"},
	syscall.ENOLCK:       {Passes, "read: flock(2), NFS: the lock table is full or the lock service is away"},
	syscall.ETIMEDOUT:    {Passes, "read: NFS, soft mounts: the server does not answer"},
	syscall.ESTALE:       {Passes, "read: NFS: the file was removed on the server; the next write opens the path anew"},
	syscall.EDEADLK:      {Passes, "read: fcntl(2): to wait for the lock would never end"},
	syscall.ENOSPC:       {Passes, "ran: TestDiskFullForAWhile: the disk is full until somebody frees room"},
	syscall.EDQUOT:       {Passes, "read: write(2): the quota is used up until somebody frees room"},
	syscall.ENOENT:       {Passes, "ran: TestFolderAway: the folder is away until somebody makes it again"},
	syscall.EIO:          {Unknown, "read: fsync(2): the disk failed, or another process's writes failed; a path of several may come back"},
	syscall.ENXIO:        {Unknown, "read: open(2): the device is away"},
	syscall.ENODEV:       {Unknown, "read: open(2): the device is away"},
	syscall.ENETDOWN:     {Passes, "read: NFS, AFS: the network is away"},
	syscall.ENETUNREACH:  {Passes, "read: NFS, AFS: the network is away"},
	syscall.EHOSTDOWN:    {Passes, "read: NFS, AFS: the server is away"},
	syscall.EHOSTUNREACH: {Passes, "read: NFS, AFS: the server is away"},
	syscall.ENOTCONN:     {Passes, "read: FUSE: the file system's process ended"},
	syscall.ECONNRESET:   {Passes, "read: NFS, AFS: the connection was lost"},
	syscall.EFBIG:        {Passes, "ran: TestNoRoom: the file may not become so large, until somebody rotates it"},
	syscall.EROFS:        {Stays, "ran: TestReadOnlyMount: the file system is mounted for reading only"},
	syscall.EACCES:       {Stays, "read: open(2): there is no right to write the file"},
	syscall.EPERM:        {Stays, "read: open(2): the file is sealed or immutable"},
	syscall.ENOTDIR:      {Stays, "ran: TestBadPlaces: a folder of the path is a file"},
	syscall.EISDIR:       {Stays, "read: open(2): the path is a folder"},
	syscall.ELOOP:        {Stays, "read: open(2): symbolic links go in a circle"},
	syscall.ENAMETOOLONG: {Stays, "read: open(2)"},
	syscall.EINVAL:       {Stays, "read: fsync(2): the path is no ordinary file"},
	syscall.EBADF:        {Stays, "read: write(2): a fault of this program"},
	syscall.EFAULT:       {Stays, "read: write(2): a fault of this program"},
	syscall.ENOSYS:       {Stays, "read: flock(2): the file system cannot"},
	syscall.ENOTSUP:      {Stays, "read: flock(2): the file system cannot"},
	syscall.EPIPE:        {Stays, "read: write(2): the path is a pipe"},
}

// ClassOf returns the class of a failure. A failure that is in no table is
// Unknown.
func ClassOf(err error) Class {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		if errors.Is(err, fs.ErrNotExist) {
			return Passes
		}
		return Unknown
	}
	if c, ok := systemClass(errno); ok {
		return c
	}
	return Failures[errno].Class
}

// cannotSync tells whether a sync failed because the file system has none.
func cannotSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}
