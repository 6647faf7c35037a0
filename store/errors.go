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

// ErrConnectionString is in the chain of every error that says that the text
// of a connection string is wrong, whatever stands behind it. See [BadConnectionString].
var ErrConnectionString = errors.New("wrong connection string")

// BadConnectionString puts ErrConnectionString into the chain of an error and
// leaves its text as it is; of nil it makes nil.
func BadConnectionString(err error) error {
	if err == nil {
		return nil
	}
	return badConnectionString{err}
}

type badConnectionString struct{ error }

func (b badConnectionString) Unwrap() error { return b.error }

// Is implements what [errors.Is] asks for.
func (b badConnectionString) Is(target error) bool { return target == ErrConnectionString }

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

// Ends tells whether a store's sequence ends with this error: any but one that
// reports a [*Damage].
func Ends(err error) bool {
	var damage *Damage
	return err != nil && !errors.As(err, &damage)
}
