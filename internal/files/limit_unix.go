//go:build unix

package files

import (
	"errors"
	"math"
	"syscall"
)

// ErrTooLarge is the system's error for a file that may not become so large.
const ErrTooLarge = syscall.EFBIG

// TooLarge reports whether a write failed because the file may not become so
// large.
func TooLarge(err error) bool { return errors.Is(err, ErrTooLarge) }

// SizeLimit returns how large a file of this process may become. A write beyond
// the limit ends a Go program by the signal SIGXFSZ before it fails.
func SizeLimit() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil || uint64(limit.Cur) > math.MaxInt64 { //nolint:unconvert // it is signed on some systems
		return math.MaxInt64
	}
	return int64(limit.Cur)
}
