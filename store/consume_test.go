package store_test

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A bus is the driver of a message bus that never runs out of messages.
type bus struct {
	driver.Driver // nil

	closed, closedTaking int
}

func (*bus) Name() string   { return "the bus" }
func (b *bus) Close() error { b.closed++; return nil }

func (b *bus) Consume(context.Context) (driver.Consumption, error) { return &taking{bus: b}, nil }

type taking struct {
	bus   *bus
	taken int
}

func (t *taking) Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for ctx.Err() == nil {
			if t.taken++; !yield(osprofiler.Notification{Name: "n", BaseID: "b"}, nil) {
				return
			}
		}
	}
}

func (t *taking) Leave(string) {}

func (t *taking) Position() string { return strconv.Itoa(t.taken) }

func (t *taking) Acknowledge(ctx context.Context, position string) error {
	if position != t.Position() {
		return errors.New("another position")
	}
	return ctx.Err()
}

func (t *taking) Close() error { t.bus.closedTaking++; return nil }

func TestConsume(t *testing.T) {
	b := &bus{}
	s := store.New(b)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	c, err := s.Consume(ctx)
	if err != nil || !s.Capabilities().Consume {
		t.Fatal(err)
	}
	count := 0
	for _, err := range c.Take(ctx) {
		if err != nil {
			if !errors.Is(err, errStop) || count != 3 {
				t.Errorf("got %v after %d", err, count)
			}
			break
		}
		if count++; count == 3 {
			if err := c.Acknowledge(ctx, c.Position()); err != nil { // inside the loop
				t.Error(err)
			}
			cancel(errStop)
		}
	}
	if err := c.Acknowledge(ctx, c.Position()); !errors.Is(err, errStop) {
		t.Errorf("acknowledging with a context that is done: %v", err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil || b.closedTaking != 1 {
		t.Errorf("closed %d times: %v", b.closedTaking, err)
	}
	for _, err := range c.Take(t.Context()) {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("taking after Close: %v", err)
		}
	}
	if err := c.Acknowledge(t.Context(), c.Position()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("acknowledging after Close: %v", err)
	}
}

var errStop = errors.New("stop")

// Closing the Store closes its consumptions before the driver, even inside a loop.
func TestConsumeStoreClosed(t *testing.T) {
	b := &bus{}
	s := store.New(b)
	outer := s.Wrap(func(inner driver.Driver) driver.Driver { return wrapper{inner} })
	c, err := outer.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Take(t.Context()) {
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			if !errors.Is(err, store.ErrClosed) {
				t.Error(err)
			}
			break
		}
	}
	if err := c.Close(); err != nil || b.closed != 1 || b.closedTaking != 1 {
		t.Errorf("%v; closed %d and %d times", err, b.closed, b.closedTaking)
	}
	if _, err := s.Consume(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

type wrapper struct{ driver.Driver }

func (w wrapper) Unwrap() driver.Driver { return w.Driver }

func TestConsumeRefused(t *testing.T) {
	s := store.NewReadOnly(&bus{})
	if _, err := s.Consume(t.Context()); !errors.Is(err, errors.ErrUnsupported) || err.Error() != "cannot take notifications out of the bus, which was opened for reading only: unsupported operation" {
		t.Errorf("got %v", err)
	}
	for _, err := range s.Peek(t.Context()) {
		if !errors.Is(err, errors.ErrUnsupported) || err.Error() != "cannot peek into the bus: unsupported operation" {
			t.Errorf("got %v", err)
		}
	}
}

// A slowBus is a driver whose Take ends when it has no notifications for the moment.
type slowBus struct{ bus }

type slowTaking struct {
	taking
	calls int
}

func (b *slowBus) Consume(context.Context) (driver.Consumption, error) {
	return &slowTaking{taking: taking{bus: &b.bus}}, nil
}

func (t *slowTaking) Take(context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		if t.calls++; t.calls%3 == 0 {
			yield(osprofiler.Notification{Name: "n"}, nil)
		}
	}
}

// A followingBus is a driver whose consumption implements Follow itself.
type followingBus struct{ bus }

type followingTaking struct{ slowTaking }

func (b *followingBus) Consume(context.Context) (driver.Consumption, error) {
	return &followingTaking{slowTaking{taking: taking{bus: &b.bus}}}, nil
}

func (t *followingTaking) Follow(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for yield(osprofiler.Notification{Name: "f"}, nil) {
		}
	}
}

// Follow continues when nothing arrives, until its context ends.
func TestFollow(t *testing.T) {
	for want, b := range map[string]driver.Driver{"n": &slowBus{}, "f": &followingBus{}} {
		t.Run(want, func(t *testing.T) { testFollow(t, b, want) })
	}
}

func testFollow(t *testing.T, b driver.Driver, want string) {
	t.Helper()
	c, err := store.New(b).Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	count, ended := 0, error(nil)
	for n, err := range c.Follow(ctx) {
		if ended = err; err != nil {
			break
		}
		if count++; n.Name != want {
			t.Errorf("got %q", n.Name)
		}
		if count == 5 {
			cancel(errStop)
		}
	}
	if !errors.Is(ended, errStop) || count < 5 {
		t.Errorf("%d came; the error is %v", count, ended)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range c.Follow(t.Context()) {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("following after Close: %v", err)
		}
	}
}
