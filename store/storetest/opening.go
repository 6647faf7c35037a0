package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The rules in this file are about opening, and about wrapped Stores.

func openUnreachable(ctx context.Context, stage *Stage) error {
	if stage.harness.Unreachable == nil {
		return errors.New("the harness has no Unreachable; where nothing can be unreachable, opt out of this rule")
	}
	began := time.Now()
	s, err := stage.open(ctx, stage.harness.Unreachable(stage.t))
	if err != nil {
		return fmt.Errorf("a service could not start while its tracing store is down: %w", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		return fmt.Errorf("opening took %v", took)
	}
	if err := s.Ping(ctx); err == nil {
		return errors.New("Ping of what cannot be reached returned no error")
	}
	if err := s.Write(ctx, events(1)); err == nil {
		return errors.New("Write to what cannot be reached returned no error")
	}
	return s.Close()
}

func emptyPlace(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(missing(ctx, s, osprofiler.NewID()), lists(ctx, s, store.Query{}), lists(ctx, s, store.Query{Failed: true, Limit: 2})); err != nil {
		return fmt.Errorf("reading a place into which nothing was ever written: %w", err)
	}
	for range 2 {
		if err := s.Ping(ctx); err != nil {
			return fmt.Errorf("Ping: %w", err)
		}
	}
	batch := events(3)
	if err := s.Write(ctx, batch); err != nil {
		return err
	}
	return holds(ctx, s, batch)
}

// outer is a wrapper that changes one method.
type outer struct {
	driver.Driver

	writes int
}

// Write implements driver.Writer.
func (o *outer) Write(ctx context.Context, batch []osprofiler.Notification) error {
	o.writes++
	w, ok := driver.As[driver.Writer](o.Driver)
	if !ok {
		return errors.ErrUnsupported
	}
	return w.Write(ctx, batch)
}

// Unwrap implements driver.Wrapper.
func (o *outer) Unwrap() driver.Driver { return o.Driver }

func wrapped(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	o := &outer{}
	around := s.Wrap(func(inner driver.Driver) driver.Driver {
		o.Driver = inner
		return o
	})
	if got, want := around.Capabilities(), s.Capabilities(); got != want {
		return fmt.Errorf("a wrapped store can %+v, want %+v", got, want)
	}
	batch := events(3)
	if err := around.Write(ctx, batch); err != nil {
		return err
	}
	if o.writes != 1 {
		return fmt.Errorf("the wrapper saw %d writes, want 1", o.writes)
	}
	if err := errors.Join(holds(ctx, around, batch), lists(ctx, around, store.Query{}, traceOf(batch[0]))); err != nil {
		return err
	}
	if got, want := around.PythonAnswers().Driver, s.PythonAnswers().Driver; got != want {
		return fmt.Errorf("Python's driver for a wrapped store is %q, want %q", got, want)
	}
	for _, closing := range []*store.Store{around, s, around} {
		if err := closing.Close(); err != nil {
			return fmt.Errorf("closing a store and its wrapper: %w", err)
		}
	}
	if err := s.Write(ctx, batch); !errors.Is(err, store.ErrClosed) {
		return fmt.Errorf("Write after the wrapper was closed returned the error %w, want %w", err, store.ErrClosed)
	}
	return nil
}

func readOnly(ctx context.Context, stage *Stage) error {
	batch := events(3)
	if _, err := stage.With(ctx, batch...); err != nil {
		return err
	}
	s, err := stage.openReadOnly(ctx)
	if err != nil {
		return err
	}
	around := s.Wrap(func(inner driver.Driver) driver.Driver { return &outer{Driver: inner} })
	for _, s := range []*store.Store{s, around} {
		if err := s.Write(ctx, events(1)); !errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("Write to a read-only store returned the error %w, want %w", err, errors.ErrUnsupported)
		}
		if _, err := s.Delete(ctx, baseID(batch)); !errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("Delete of a read-only store returned the error %w, want %w", err, errors.ErrUnsupported)
		}
		if _, err := s.DeleteTraces(ctx, []string{baseID(batch)}); !errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("DeleteTraces of a read-only store returned the error %w, want %w", err, errors.ErrUnsupported)
		}
		if err := s.Ping(ctx); err != nil {
			return fmt.Errorf("Ping of a read-only store: %w", err)
		}
		if c := s.Capabilities(); c.Write || c.Delete || !s.IsReadOnly() {
			return fmt.Errorf("a read-only store has the capabilities %+v", c)
		}
		if err := errors.Join(holds(ctx, s, batch), lists(ctx, s, store.Query{}, traceOf(batch[0]))); err != nil {
			return err
		}
	}
	return nil
}

func duplicatesCounted(ctx context.Context, stage *Stage) error {
	batch := events(6)
	s, err := stage.With(ctx, append(batch, batch[1], batch[4])...)
	if err != nil {
		return err
	}
	dropped := 0
	got, err := collect(s.Notifications(ctx, baseID(batch), store.CountDuplicates(&dropped)))
	if err != nil {
		return err
	}
	if err := sameSet(got, batch); err != nil {
		return err
	}
	all, err := collect(s.Notifications(ctx, baseID(batch), store.KeepDuplicates()))
	if err != nil {
		return err
	}
	// A place may drop equal notifications by itself.
	if len(all) != len(got)+dropped {
		return fmt.Errorf("%d notifications come with equal ones, %d without, and %d were counted", len(all), len(got), dropped)
	}
	return nil
}
