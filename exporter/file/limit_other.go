//go:build !unix

package file

import (
	"errors"
	"math"
)

var errTooLarge = errors.New("the file may not become so large")

func tooLarge(error) bool { return false }

// fileSizeLimit is how large a file of this process may become: as large as can be.
func fileSizeLimit() int64 { return math.MaxInt64 }
