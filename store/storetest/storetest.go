// Package storetest is the conformance suite of all back ends: a table of explained [Rules]
// about the Store of a back end. Some rules apply to every driver, because package store
// itself keeps them. These rules make sure that the driver does not interfere.
//
// A back end's test is
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Harness{
//			Place: func(t testing.TB) string { return "file://" + filepath.Join(t.TempDir(), "store.jsonl") },
//		})
//	}
//
// A back end that cannot do something names the rule and the reason in OptOut. Nothing else is
// skipped. The test of a back end that can only write sets Reader, and the test of a back end
// that can only read sets Writer.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Harness describes a back end to the suite. Only Place is required.
type Harness struct {
	// Place returns the connection string of a new, empty store, which is
	// removed when the test is over.
	Place func(t testing.TB) string
	// Open opens a place. The place may already be open, or may have been used and closed. Nil
	// selects store.Open.
	Open func(ctx context.Context, place string) (*store.Store, error)
	// Reader opens a place of a back end that can only write, for reading by other means.
	// Writer opens a place of a back end that can only read, for writing. The Stores that the
	// rules get then read or write through it.
	Reader, Writer func(ctx context.Context, place string) (*store.Store, error)
	// OpenReadOnly opens a place for reading only. Nil selects store.Open with
	// store.WithReadOnly, or, if Open is set, a wrapper around the result of Open.
	OpenReadOnly func(ctx context.Context, place string) (*store.Store, error)
	// Settle waits until the written notifications can be read, for a place that shows them
	// with a delay. It is called after each Write.
	Settle func(ctx context.Context) error
	// Unreachable returns a connection string of the back end that reaches nothing, such as a
	// port on which nobody listens or a folder that does not exist.
	Unreachable func(t testing.TB) string
	// Order changes the notifications of one trace from the order in which they were written
	// to the order in which the back end yields them. Nil means the same order.
	Order func([]osprofiler.Notification)
	// OptOut names the rules that do not apply to this back end, each with the reason. A name
	// that no rule has fails the test.
	OptOut map[string]string
}

// A Rule is one requirement of the contract.
type Rule struct {
	// Name identifies the rule in OptOut and in the output of tests.
	Name string
	// Why says what would go wrong without the rule.
	Why string
	// Check returns an error that says how the store violates the rule.
	Check func(ctx context.Context, s *Stage) error
}

// Run runs every rule as a subtest, except those that the harness opts out of.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if err := h.checkOptOut(); err != nil {
		t.Error(err)
	}
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			if reason, out := h.OptOut[rule.Name]; out {
				t.Skipf("opted out: %s", reason)
			}
			if err := rule.Run(t, h); err != nil {
				t.Errorf("%v\nThe rule: %s", err, rule.Why)
			}
		})
	}
}

// checkOptOut refuses names that no rule has, and empty reasons.
func (h Harness) checkOptOut() error {
	names := map[string]bool{}
	for _, rule := range Rules() {
		names[rule.Name] = true
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(h.OptOut)) {
		switch {
		case !names[name]:
			errs = append(errs, fmt.Errorf("OptOut names %q, which is no rule; the rules are %s",
				name, strings.Join(slices.Sorted(maps.Keys(names)), ", ")))
		case strings.TrimSpace(h.OptOut[name]) == "":
			errs = append(errs, fmt.Errorf("OptOut names %q without a reason", name))
		}
	}
	return errors.Join(errs...)
}

// patience is how long a rule may take, also on a slow machine. grace is the time that a store
// then has to notice that its context has ended.
var (
	patience = 2 * time.Minute
	grace    = 30 * time.Second
)

// Run checks the rule on fresh stores of the harness, and closes them afterwards.
func (r Rule) Run(t testing.TB, h Harness) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	stage := &Stage{harness: h, t: t}
	done := make(chan error, 1)
	go func() {
		err := r.Check(ctx, stage)
		done <- errors.Join(err, stage.close())
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(patience + grace):
		return fmt.Errorf("the store hangs: the rule did not come to an end within %v", patience)
	}
}

// A Stage opens the stores for a rule.
type Stage struct {
	harness Harness
	t       testing.TB
	place   string
	opened  []*store.Store
}

// Fresh opens a new, empty store.
func (s *Stage) Fresh(ctx context.Context) (*store.Store, error) {
	s.place = s.harness.Place(s.t)
	return s.Again(ctx)
}

// Again opens the store of the last Fresh once more.
func (s *Stage) Again(ctx context.Context) (*store.Store, error) { return s.open(ctx, s.place) }

// open opens a place, and closes it when the rule is over.
func (s *Stage) open(ctx context.Context, place string) (*store.Store, error) {
	h := s.harness
	if h.Open == nil {
		h.Open = func(ctx context.Context, place string) (*store.Store, error) { return store.Open(ctx, place) }
	}
	opened, err := h.Open(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	switch {
	case h.Reader != nil:
		opened, err = pair(ctx, place, opened, h.Reader, writeThrough)
	case h.Writer != nil:
		opened, err = pair(ctx, place, opened, h.Writer, readThrough)
	}
	if err != nil {
		return nil, err
	}
	if h.Settle != nil {
		opened = opened.Wrap(func(inner driver.Driver) driver.Driver { return &settling{inner, h.Settle} })
	}
	s.opened = append(s.opened, opened)
	return opened, nil
}

// openReadOnly opens the store of the last Fresh for reading only.
func (s *Stage) openReadOnly(ctx context.Context) (*store.Store, error) {
	open := s.harness.OpenReadOnly
	switch {
	case open != nil:
	case s.harness.Open == nil && s.harness.Reader == nil && s.harness.Writer == nil:
		open = func(ctx context.Context, place string) (*store.Store, error) {
			return store.Open(ctx, place, store.WithReadOnly())
		}
	default:
		open = func(ctx context.Context, _ string) (*store.Store, error) {
			again, err := s.Again(ctx)
			if err != nil {
				return nil, err
			}
			return store.NewReadOnly(&borrowed{again.Driver()}), nil
		}
	}
	opened, err := open(ctx, s.place)
	if err != nil {
		return nil, fmt.Errorf("opening the store for reading only: %w", err)
	}
	s.opened = append(s.opened, opened)
	return opened, nil
}

// With opens a new store that holds the batch.
func (s *Stage) With(ctx context.Context, batch ...osprofiler.Notification) (*store.Store, error) {
	fresh, err := s.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	if err := fresh.Write(ctx, batch); err != nil {
		return nil, fmt.Errorf("writing %d notifications: %w", len(batch), err)
	}
	return fresh, nil
}

// close closes everything that was opened. It may be called twice.
func (s *Stage) close() error {
	var errs []error
	for _, opened := range s.opened {
		if err := opened.Close(); err != nil {
			errs = append(errs, fmt.Errorf("closing the store: %w", err))
		}
	}
	return errors.Join(errs...)
}
