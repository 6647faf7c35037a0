package store

import (
	"errors"
	"fmt"
)

// Errors to test for with errors.Is. What a store cannot do at all is
// errors.ErrUnsupported, never an empty answer.
var (
	ErrNotFound = errors.New("no such trace")
	ErrClosed   = errors.New("the store is closed")
)

// NotFound returns the ErrNotFound for one base id.
func NotFound(baseID string) error { return fmt.Errorf("%w: %q", ErrNotFound, baseID) }

// Damage reports one entry of a store that could not be read and was skipped;
// everything else was read.
type Damage struct {
	Place  string // where it lies: a key, a row, a line
	Reason error
}

// Error implements error.
func (d *Damage) Error() string { return fmt.Sprintf("skipped %s: %v", d.Place, d.Reason) }

// Unwrap returns the reason.
func (d *Damage) Unwrap() error { return d.Reason }
