// Package store holds the portable [Store]: a place in which OSProfiler's
// notifications are kept, opened by a connection string, with one behaviour
// whatever the place.
//
//	s, err := store.Open(ctx, "sqlite:////var/lib/osprofiler/traces.db")
//	...
//	for n, err := range s.Notifications(ctx, baseID) {
//
// Each back end is a package of its own below exporter/. Importing it registers
// its schemes; exporter/all imports all of them. A back end implements the
// interfaces of package store/driver, and package store/storetest holds the
// rules that every back end passes.
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

// The types of the contract are declared in package driver, so that a back end
// and a program use the same ones.
type (
	// A Query says which traces a listing is to have.
	Query = driver.Query
	// A Summary describes one trace of a listing.
	Summary = driver.Summary
	// A Cursor says how far a [Feed] has come. It is opaque, and safe to keep as text.
	Cursor = driver.Cursor
	// PythonAnswers describes how a driver of the Python library answers.
	PythonAnswers = driver.PythonAnswers
)

// A Store is one opened place of notifications. All its methods may be called
// from many goroutines at once, and none outlives its context for longer than
// the client library of the back end needs to notice.
//
// Opening a Store neither connects nor creates anything, so that a service
// starts while its tracing store is down. The first call that needs the place
// connects; [Store.Ping] does so on purpose.
type Store struct {
	driver driver.Driver
	*life
}

// A life is what a Store and the Stores that wrap it have in common.
type life struct {
	readOnly bool
	calls    *inflight.Counter
	closed   chan struct{} // closed when Close has closed the driver
	closeErr error         // of the driver; read it after closed

	mu    sync.Mutex // guards what follows
	outer driver.Driver
	parts map[*part]struct{} // the feeds and consumptions that are open
}

// New returns the Store of a driver, which belongs to the Store from then on. The
// driver of another Store is wrapped by [Store.Wrap] instead.
func New(d driver.Driver) *Store { return newStore(d, false) }

// NewReadOnly returns a Store of a driver that refuses to write and to delete.
func NewReadOnly(d driver.Driver) *Store { return newStore(d, true) }

func newStore(d driver.Driver, readOnly bool) *Store {
	return &Store{driver: d, life: &life{
		readOnly: readOnly, calls: inflight.New(), closed: make(chan struct{}), outer: d, parts: map[*part]struct{}{},
	}}
}

// Wrap returns a Store of the driver that wrap makes around the driver of s, for
// metrics, counting or an index: see [driver.Wrapper]. Both Stores can be used.
// They are closed together, by the Close of either, which closes the wrapper. A
// wrapped read-only Store stays read-only.
func (s *Store) Wrap(wrap func(inner driver.Driver) driver.Driver) *Store {
	outer := &Store{driver: wrap(s.driver), life: s.life}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outer = outer.driver
	return outer
}

// Name names the place in errors, such as `the file "/tmp/traces.jsonl"`. It
// shows no password.
func (s *Store) Name() string { return s.driver.Name() }

// Driver returns the driver, for a capability of its own that [driver.As] finds on
// it. A call of the driver itself does not know whether the Store is closed.
func (s *Store) Driver() driver.Driver { return s.driver }

// Capabilities say which methods of a Store do not fail with
// [errors.ErrUnsupported].
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

// Ping connects and tells in one sentence why the place cannot be used. Unless
// the Store is read-only, it creates what Write would create.
func (s *Store) Ping(ctx context.Context) error { return s.call(ctx, s.driver.Ping) }

// Delete removes all notifications of one trace and returns how many they were.
// A trace that does not exist is ErrNotFound.
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

// Close gives back what the Store holds. It cancels the calls in progress and
// waits for their end; they fail with ErrClosed, and so do later calls of any
// method, but for Close itself, which returns what the first Close returned. The
// body of a loop over a sequence of the Store may call Close.
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

// reason returns why a call failed that began at a time. It wraps the end of the
// Store or of the caller's context, if the driver reports that end in its own
// words.
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
	case isPartial: // it says what is stored all the same
		return &WriteError{Missing: partial.Missing, Refused: partial.Refused, Transient: partial.Transient, Err: s.partAtEnd(end, partial, began)}
	}
	return s.atEnd(end, err, began)
}

// partAtEnd is atEnd for an error that says which part of a batch is stored. The
// reason of the driver stays, because it may be that of a refusal.
func (s *Store) partAtEnd(end error, partial *WriteError, began time.Time) error {
	if partial.Err == nil || errors.Is(partial.Err, end) || errors.Is(partial.Err, context.Canceled) {
		return s.atEnd(end, partial.Err, began)
	}
	return explained.New(errors.Join(end, partial.Err), "%v", partial.Err)
}

// contextError returns the error of a context, with its cause if the context has
// one of its own. It returns nil while the context is not done.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// unsupported makes the error for what the driver cannot do. The format takes
// the name of the place.
func (s *Store) unsupported(format string) error {
	return fmt.Errorf(format+": %w", s.Name(), errors.ErrUnsupported)
}

// guard runs a sequence of the driver, which f returns. The sequence ends when
// the caller's context is done or the Store is closed, at the beginning and after
// each element. An element that the driver yields always reaches the caller, as
// the driver may count it as yielded.
func guard[T any](ctx context.Context, s *Store, f func(ctx context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := run(ctx, s, f, yield); err != nil {
			var none T
			yield(none, err)
		}
	}
}

// run yields the elements of the sequence, and returns the error that ends it.
//
// The call counts as in progress only while code of the driver runs, not while
// the body of the caller's loop does, because the body may call Close.
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
