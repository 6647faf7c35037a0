//go:build !unix

package files

import (
	"errors"
	"math"
)

// ErrTooLarge stands for the system's error for a file that may not become so
// large.
var ErrTooLarge = errors.New("the file may not become so large")

// TooLarge reports whether a write failed because the file may not become so
// large.
func TooLarge(error) bool { return false }

// SizeLimit returns how large a file of this process may become. There is no
// limit here.
func SizeLimit() int64 { return math.MaxInt64 }
