package backend

import (
	"errors"
	"fmt"

	"github.com/osprofiler-otel/osprofiler"
)

// ToWrite tells whether there is something to write: a batch that is not empty,
// to a store that is not opened for reading only. One with an invalid info is
// refused as a whole. place names the store in the error.
func ToWrite(batch []osprofiler.Notification, readOnly bool, place string) (write bool, err error) {
	for i := range batch {
		if err := batch[i].Validate(); err != nil {
			return false, err
		}
	}
	if len(batch) == 0 {
		return false, nil
	}
	if readOnly {
		return false, fmt.Errorf("cannot write to %s, which was opened for reading only: %w", place, errors.ErrUnsupported)
	}
	return true, nil
}
