// Package store defines the portable [Store], in which OSProfiler's notifications are kept. A
// connection string opens a Store. Every Store behaves the same, whatever its place is: a
// file, a database, a server or a message bus.
//
//	s, err := store.Open(ctx, "sqlite:////var/lib/osprofiler/traces.db")
//	...
//	for n, err := range s.Notifications(ctx, baseID) {
//
// Each back end is a package of its own below exporter/. Importing it registers its schemes;
// exporter/all imports all of them. A back end implements the interfaces of package
// store/driver. Package store/storetest has the rules that every back end passes.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/inflight"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// These types are declared in package driver, so that a back end and a program use the same
// types.
type (
	// A Query selects the traces of a listing.
	Query = driver.Query
	// A Summary describes one trace of a listing.
	Summary = driver.Summary
	// A Cursor says how far a [Feed] has come. It is opaque, and safe to keep as text.
	Cursor = driver.Cursor
	// PythonAnswers describes how a driver of the Python library answers.
	PythonAnswers = driver.PythonAnswers
)

// A Store is one opened place of notifications. All its methods may be called from many
// goroutines at once. After the end of its context, a method runs only until the client
// library of the back end notices that end.
//
// Opening a Store neither connects nor creates anything, so that a service starts while its
// tracing store is down. The first call that needs the place connects; [Store.Ping] does so
// explicitly.
type Store struct {
	driver driver.Driver
	*life
}

// A life is the state that a Store shares with the Stores that wrap it.
type life struct {
	readOnly bool
	calls    *inflight.Counter
	closed   chan struct{} // closed when Close has closed the driver
	closeErr error         // the error of the driver's Close; read it after closed is closed

	mu    sync.Mutex // guards the fields below
	outer driver.Driver
	parts map[*part]struct{} // the feeds and consumptions that are open
}

// New returns the Store of a driver, which belongs to the Store from then on. To wrap the
// driver of another Store, use [Store.Wrap].
func New(d driver.Driver) *Store { return newStore(d, false) }

// NewReadOnly returns a Store of a driver that refuses to write and to delete.
func NewReadOnly(d driver.Driver) *Store { return newStore(d, true) }

func newStore(d driver.Driver, readOnly bool) *Store {
	return &Store{driver: d, life: &life{
		readOnly: readOnly, calls: inflight.New(), closed: make(chan struct{}), outer: d, parts: map[*part]struct{}{},
	}}
}

// Wrap returns a Store of the driver that wrap makes around the driver of s, for metrics,
// counting or an index: see [driver.Wrapper]. Both Stores can be used. The Close of either
// Store closes both, and closes the wrapper. The wrapper of a read-only Store stays read-only.
func (s *Store) Wrap(wrap func(inner driver.Driver) driver.Driver) *Store {
	outer := &Store{driver: wrap(s.driver), life: s.life}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outer = outer.driver
	return outer
}

// Name returns the name of the place for errors, such as `the file "/tmp/traces.jsonl"`. It
// shows no password.
func (s *Store) Name() string { return s.driver.Name() }

// Driver returns the driver, for a capability that only the driver has and that [driver.As]
// finds. A call of the driver itself does not check whether the Store is closed.
func (s *Store) Driver() driver.Driver { return s.driver }

// Capabilities report which methods of a Store do not fail with [errors.ErrUnsupported].
type Capabilities struct {
	Write   bool // Write
	Read    bool // Notifications
	List    bool // Traces
	Feed    bool // Feed
	Delete  bool // Delete, DeleteTraces
	Peek    bool // Peek
	Consume bool // Consume
}

// Capabilities returns what the Store can do.
func (s *Store) Capabilities() (c Capabilities) {
	_, c.Write = driver.As[driver.Writer](s.driver)
	_, c.Read = driver.As[driver.Reader](s.driver)
	_, c.List = driver.As[driver.Lister](s.driver)
	_, c.Feed = driver.As[driver.Feeder](s.driver)
	_, c.Delete = driver.As[driver.Deleter](s.driver)
	_, c.Peek = driver.As[driver.Peeker](s.driver)
	_, c.Consume = driver.As[driver.Consumer](s.driver)
	c.Write = c.Write && !s.readOnly
	c.Consume = c.Consume && !s.readOnly
	c.Delete = c.Delete && !s.readOnly
	return c
}

// IsReadOnly reports whether the Store was opened for reading only.
func (s *Store) IsReadOnly() bool { return s.readOnly }

// Ping connects. Its error says in one sentence why the place cannot be used. Unless the Store
// is read-only, Ping creates everything that Write would create.
func (s *Store) Ping(ctx context.Context) error { return s.call(ctx, s.driver.Ping) }

// Delete removes all notifications of one trace and returns their number. A trace that does
// not exist fails with ErrNotFound.
func (s *Store) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	err = s.call(ctx, func(ctx context.Context) error {
		d, err := s.deleter()
		if err != nil {
			return err
		}
		notifications, err = d.Delete(ctx, driver.Text(baseID))
		return err
	})
	if err == nil && notifications == 0 {
		err = NotFound(baseID)
	}
	return notifications, err
}

// PythonAnswers returns how the Python library's driver for the place answers.
func (s *Store) PythonAnswers() PythonAnswers {
	d, ok := driver.As[driver.PythonAnswerer](s.driver)
	if !ok {
		return PythonAnswers{}
	}
	answers := d.PythonAnswers()
	if list := answers.Traces; list != nil {
		answers.Traces = func(ctx context.Context, fields []string) iter.Seq2[string, error] {
			return guard(ctx, s, func(ctx context.Context) iter.Seq2[string, error] { return list(ctx, fields) })
		}
	}
	if list := answers.FailedTraces; list != nil {
		answers.FailedTraces = func(ctx context.Context) iter.Seq2[string, error] { return guard(ctx, s, list) }
	}
	return answers
}

// Close closes the Store and its driver. It cancels the calls in progress and waits for their
// end. Those calls and all later calls of other methods fail with ErrClosed. A later Close
// returns the result of the first. The body of a loop over a sequence of the Store may call
// Close.
func (s *Store) Close() error {
	if !s.calls.Close() {
		<-s.closed
		return s.closeErr
	}
	defer close(s.closed)
	<-s.calls.Idle()
	s.mu.Lock()
	outer := s.outer
	s.mu.Unlock()
	if err := errors.Join(append(s.closeParts(), outer.Close())...); err != nil {
		s.closeErr = fmt.Errorf("cannot close %s: %w", s.Name(), err)
	}
	return s.closeErr
}

// call calls f with a context that Close cancels, unless the Store is closed or
// the context is done.
func (s *Store) call(ctx context.Context, f func(ctx context.Context) error) error {
	if !s.calls.Enter() {
		return ErrClosed
	}
	defer s.calls.Leave()
	if err := contextError(ctx); err != nil {
		return err
	}
	within, cancel := s.calls.Context(ctx)
	defer cancel()
	began := time.Now()
	return s.reason(ctx, began, f(within))
}

// reason returns why a call that began at a time has failed. If the driver reports the end of
// the Store or of the caller's context in its own words, reason wraps that end.
func (s *Store) reason(ctx context.Context, began time.Time, err error) error {
	end := cmp.Or(s.interrupted(ctx), neterr.ContextError(ctx, err))
	var partial *WriteError
	isPartial := errors.As(err, &partial)
	switch {
	case err == nil:
		return nil
	case end == nil:
		return err
	case end == ErrClosed && errors.Is(err, end): //nolint:errorlint // interrupted returns it as it is
		return err
	case end == ErrClosed && isPartial: //nolint:errorlint // likewise
		return &WriteError{Missing: partial.Missing, Refused: partial.Refused, Transient: partial.Transient, Err: fmt.Errorf("%w; %w", end, err)}
	case end == ErrClosed: //nolint:errorlint // likewise
		return end
	case isPartial: // the error already says which part is stored
		return &WriteError{Missing: partial.Missing, Refused: partial.Refused, Transient: partial.Transient, Err: s.partAtEnd(end, partial, began)}
	}
	return s.atEnd(end, err, began)
}

// partAtEnd is atEnd for an error that says which part of a batch is stored. The driver's
// reason stays, because it may be the reason of a refusal.
func (s *Store) partAtEnd(end error, partial *WriteError, began time.Time) error {
	if partial.Err == nil || errors.Is(partial.Err, end) || errors.Is(partial.Err, context.Canceled) {
		return s.atEnd(end, partial.Err, began)
	}
	return explained.New(errors.Join(end, partial.Err), "%v", partial.Err)
}

// contextError returns the error of a context, with the context's own cause if it has one. It
// returns nil while the context is not done.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// unsupported makes the error for an operation that the driver cannot do. The format takes the
// name of the place.
func (s *Store) unsupported(format string) error {
	return fmt.Errorf(format+": %w", s.Name(), errors.ErrUnsupported)
}

// guard runs a sequence of the driver, which f returns. The sequence ends when the caller's
// context is done or the Store is closed. That is checked at the beginning and after each
// element. An element that the driver yields always reaches the caller, because the driver may
// count it as yielded.
func guard[T any](ctx context.Context, s *Store, f func(ctx context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := run(ctx, s, f, yield); err != nil {
			var none T
			yield(none, err)
		}
	}
}

// run yields the elements of the sequence, and returns the error that ends the sequence.
//
// The call counts as in progress only while code of the driver runs, not while the body of the
// caller's loop runs, because the body may call Close.
func run[T any](ctx context.Context, s *Store, f func(ctx context.Context) iter.Seq2[T, error], yield func(T, error) bool) error {
	if !s.calls.Enter() {
		return ErrClosed
	}
	inProgress := true
	defer func() {
		if inProgress {
			s.calls.Leave()
		}
	}()
	within, cancel := s.calls.Context(ctx)
	defer cancel()
	if err := contextError(ctx); err != nil {
		return err
	}
	began := time.Now()
	for v, err := range f(within) {
		if Ends(err) {
			return s.reason(ctx, began, err)
		}
		s.calls.Leave()
		inProgress = false
		more := yield(v, err)
		inProgress = s.calls.Enter()
		if !more {
			return nil
		}
		if err := s.interrupted(ctx); err != nil {
			return err
		}
	}
	return s.interrupted(ctx)
}

// interrupted returns an error if the Store is closed or the context is done.
func (s *Store) interrupted(ctx context.Context) error {
	if s.calls.Closed() {
		return ErrClosed
	}
	return contextError(ctx)
}
