package store_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync/atomic"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The types and calls of docs/adding-a-back-end.md are repeated here word for word. Package
// doctest checks that.

// A discarding driver accepts everything and keeps nothing.
type discarding struct{}

func (discarding) Name() string                                           { return "discard://" }
func (discarding) Ping(context.Context) error                             { return nil }
func (discarding) Close() error                                           { return nil }
func (discarding) Write(context.Context, []osprofiler.Notification) error { return nil }
func (discarding) Compact(context.Context) error                          { return errors.New("there is nothing to compact") }

type Compacter interface {
	Compact(ctx context.Context) error
}

type counted struct {
	driver.Driver
	writes atomic.Int64
}

func (c *counted) Unwrap() driver.Driver { return c.Driver }

func (c *counted) Write(ctx context.Context, batch []osprofiler.Notification) error {
	c.writes.Add(1)
	w, ok := driver.As[driver.Writer](c.Driver)
	if !ok {
		return errors.ErrUnsupported
	}
	return w.Write(ctx, batch)
}

// A wrapper counts the writes, and does not hide the driver's other capabilities.
func ExampleStore_Wrap() {
	ctx := context.Background()
	s := store.New(discarding{})
	defer s.Close()

	s = s.Wrap(func(inner driver.Driver) driver.Driver { return &counted{Driver: inner} })

	if err := s.Write(ctx, nil); err != nil {
		log.Print(err)
	}
	var err error
	if c, ok := driver.As[Compacter](s.Driver()); ok {
		err = c.Compact(ctx)
	}
	fmt.Println(err)
	// Output: there is nothing to compact
}
