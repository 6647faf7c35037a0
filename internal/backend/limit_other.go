//go:build !unix

package backend

import (
	"errors"
	"math"
)

// ErrTooLarge stands for the system's error for a file that may not become so
// large.
var ErrTooLarge = errors.New("the file may not become so large")

// TooLarge tells whether a write failed because the file may not become so
// large.
func TooLarge(error) bool { return false }

// FileSizeLimit is how large a file of this process may become: as large as can be.
func FileSizeLimit() int64 { return math.MaxInt64 }
