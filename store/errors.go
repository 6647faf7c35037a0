package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// These are errors to test for with [errors.Is]. A method that the back end cannot offer
// returns [errors.ErrUnsupported], never an empty answer.
var (
	// ErrNotFound says that there is no trace with the base id.
	ErrNotFound = errors.New("no such trace")
	// ErrClosed says that the Store is closed.
	ErrClosed = errors.New("the store is closed")
	// ErrCursor says that a cursor does not belong to the place: it comes from another place,
	// or the place was recreated.
	ErrCursor = errors.New("the cursor does not belong to this store")
)

// ErrConnectionString is in the chain of every error about the text of a
// connection string. See [BadConnectionString].
var ErrConnectionString = errors.New("wrong connection string")

// BadConnectionString returns an error with the same text that has
// ErrConnectionString in its chain. It returns nil for nil.
func BadConnectionString(err error) error {
	if err == nil {
		return nil
	}
	return badConnectionString{err}
}

type badConnectionString struct{ error }

func (b badConnectionString) Unwrap() error { return b.error }

// Is reports whether the target is ErrConnectionString, for [errors.Is].
func (b badConnectionString) Is(target error) bool { return target == ErrConnectionString }

// NotFound returns an ErrNotFound for one base id.
func NotFound(baseID string) error { return fmt.Errorf("%w: %q", ErrNotFound, baseID) }

// A DamageError reports an entry of a place that could not be read and was skipped. All other
// entries were read.
type DamageError struct {
	// Entry identifies the entry: a key, a row, a line.
	Entry string
	// InTrace reports that the entry is known to belong to the requested trace. So the trace
	// exists, even if nothing of it can be read.
	InTrace bool
	// BaseID is the base id of the trace that the entry belongs to, or empty if the id is not
	// known.
	BaseID string
	// Foreign reports that the entry is not damaged: it belongs to another program that shares
	// the place, such as a message of another event type on a message bus.
	Foreign bool
	// More reports that nothing is damaged: the place has more entries, which were not read
	// because of a limit.
	More bool
	// Kind is the same for entries that are to be reported once, because they have the same
	// reason in different places. It is empty if each entry is reported.
	Kind string
	// Body is the whole message, if the entry is a message of a bus that should be from
	// OSProfiler. Otherwise it is nil.
	Body []byte
	// Reason says why the entry could not be read.
	Reason error
}

// Error implements error.
func (d *DamageError) Error() string { return fmt.Sprintf("skipped %s: %v", d.Entry, d.Reason) }

// Unwrap returns the reason.
func (d *DamageError) Unwrap() error { return d.Reason }

// Ends reports whether a sequence of a Store ends with this error. Every error ends it, except
// one that wraps a [*DamageError].
func Ends(err error) bool {
	if err == nil {
		return false // without an allocation
	}
	var damage *DamageError
	return !errors.As(err, &damage)
}

// A WriteError is an error of Write that knows which part of the batch is not stored, or that
// a retry may succeed.
type WriteError struct {
	// Missing has the indices into the batch of the notifications that are not known to be
	// stored. Empty means the whole batch.
	Missing []int
	// Refused has the indices from Missing of the notifications that the place never accepts,
	// for a reason of the notification itself, such as its size. A refused notification says
	// nothing about the others.
	Refused []int
	// Transient reports that the same Write may succeed later, because the server was not
	// reachable, was busy, or was changing its master. It does not apply to Refused.
	Transient bool
	// Err is the reason.
	Err error
}

// Error implements error.
func (e *WriteError) Error() string {
	if e.Err == nil {
		return "the store gives no reason"
	}
	return e.Err.Error()
}

// Unwrap returns the reason.
func (e *WriteError) Unwrap() error { return e.Err }

// A TransientError marks an error of reading that may pass: the same call may
// succeed later, because the server was not reachable, was busy, or was changing
// its master. A driver wraps the errors of Ping and of its sequences with it. An
// error of Write is a [*WriteError] instead.
type TransientError struct{ Err error }

// Error implements error.
func (e *TransientError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *TransientError) Unwrap() error { return e.Err }

// IsTransient reports whether the call that returned the error may succeed later. This is so
// if the error wraps a [*WriteError] that is Transient or a [*TransientError], or if it says
// that the connection to a server was lost or could not be made. A connection that one side
// refuses permanently, because of TLS or of the address, is not transient.
func IsTransient(err error) bool {
	var write *WriteError
	var transient *TransientError
	isErr := func(target error) bool { return errors.Is(err, target) }
	switch {
	case err == nil, slices.ContainsFunc(finalErrors, isErr):
		return false
	case errors.As(err, &write):
		return write.Transient
	case errors.As(err, &transient):
		return true
	case errors.Is(err, context.DeadlineExceeded):
		return false
	}
	return neterr.Lost(err)
}

// finalErrors are never transient, whatever they wrap.
var finalErrors = []error{ErrClosed, ErrCursor, ErrNotFound, errors.ErrUnsupported}
