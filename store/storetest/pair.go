package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// pair opens the missing half of a back end that can only write or only read, and makes one
// Store of both halves.
func pair(ctx context.Context, place string, tested *store.Store,
	open func(context.Context, string) (*store.Store, error), join func(tested, other *store.Store) driver.Driver,
) (*store.Store, error) {
	other, err := open(ctx, place)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the other half of the store: %w", err), tested.Close())
	}
	return store.New(join(tested, other)), nil
}

func writeThrough(tested, other *store.Store) driver.Driver {
	return &halves{Driver: other.Driver(), writer: tested, other: tested}
}

func readThrough(tested, other *store.Store) driver.Driver {
	return &halves{Driver: tested.Driver(), writer: other, other: other}
}

// halves writes through one Store, and does everything else through the driver of another
// Store.
type halves struct {
	driver.Driver

	writer *store.Store
	other  *store.Store // the Store that does not own Driver
}

// Write implements driver.Writer.
func (h *halves) Write(ctx context.Context, batch []osprofiler.Notification) error {
	return h.writer.Write(ctx, batch)
}

// Unwrap implements driver.Wrapper.
func (h *halves) Unwrap() driver.Driver { return h.Driver }

// Close implements driver.Driver.
func (h *halves) Close() error { return errors.Join(h.other.Close(), h.Driver.Close()) }

// settling waits after each Write until the written notifications can be read.
type settling struct {
	driver.Driver

	settle func(ctx context.Context) error
}

// Write implements driver.Writer.
func (s *settling) Write(ctx context.Context, batch []osprofiler.Notification) error {
	w, ok := driver.As[driver.Writer](s.Driver)
	if !ok {
		return errors.ErrUnsupported
	}
	if err := w.Write(ctx, batch); err != nil {
		return err
	}
	return s.settle(ctx)
}

// Unwrap implements driver.Wrapper.
func (s *settling) Unwrap() driver.Driver { return s.Driver }

// borrowed is the driver of another Store. Only that Store closes it.
type borrowed struct{ driver.Driver }

// Unwrap implements driver.Wrapper.
func (b *borrowed) Unwrap() driver.Driver { return b.Driver }

// Close implements driver.Driver.
func (b *borrowed) Close() error { return nil }
