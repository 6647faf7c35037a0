// Package explained replaces the text of a client library's error by one clear
// sentence.
package explained

import (
	"errors"
	"fmt"
)

// An Error has a sentence as its text. The explained error is in the Error's chain,
// so that errors.Is and errors.As find the explained error.
type Error struct {
	sentence string
	err      error
}

// New returns an *Error that explains err with a formatted sentence.
func New(err error, format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...), err}
}

// Is reports whether an *Error is in the chain of err, so that err needs no
// other explanation.
func Is(err error) bool { return errors.As(err, new(*Error)) }

// Error returns the sentence.
func (e *Error) Error() string { return e.sentence }

// Unwrap returns the error that the sentence explains.
func (e *Error) Unwrap() error { return e.err }
