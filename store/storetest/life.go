package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file are about concurrent users, contexts, and closing.

func concurrency(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	return together(ctx, []*store.Store{s})
}

func twoOpeners(ctx context.Context, stage *Stage) error {
	a, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	b, err := stage.Again(ctx)
	if err != nil {
		return fmt.Errorf("a second time: %w", err)
	}
	return together(ctx, []*store.Store{a, b})
}

// together writes with six goroutines, two per trace, while two goroutines read. It then
// checks that everything is stored.
func together(ctx context.Context, stores []*store.Store) error {
	const writers, batches = 6, 8
	traces := [writers / 2][]osprofiler.Notification{}
	for i := range traces {
		traces[i] = events(2 * batches * 5)
	}
	var writing, reading sync.WaitGroup
	errs := make([]error, writers+2)
	over := make(chan struct{})
	for w := range writers {
		writing.Go(func() {
			s, all := stores[w%len(stores)], traces[w/2]
			for b := range batches {
				at := (2*b + w%2) * 5
				if err := s.Write(ctx, all[at:at+5]); err != nil {
					errs[w] = fmt.Errorf("writing while others do: %w", err)
					return
				}
			}
		})
	}
	for r := range 2 {
		reading.Go(func() { errs[writers+r] = readWhile(ctx, stores[r%len(stores)], traces[r], over) })
	}
	writing.Wait()
	close(over)
	reading.Wait()
	for _, s := range stores {
		for _, all := range traces {
			errs = append(errs, holds(ctx, s, all))
		}
	}
	return errors.Join(errs...)
}

// readWhile reads until the writing is over. Every notification that it reads must be one that
// is written.
func readWhile(ctx context.Context, s *store.Store, all []osprofiler.Notification, over chan struct{}) error {
	written := newPool(all)
	for {
		got, err := read(ctx, s, baseID(all))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("reading while others write: %w", err)
		}
		for _, n := range got {
			if !written.has(n) {
				return fmt.Errorf("reading while others write: got %s, which nobody wrote", n.JSON())
			}
		}
		if _, err := collect(s.Traces(ctx, store.Query{Limit: 2})); err != nil {
			return fmt.Errorf("listing while others write: %w", err)
		}
		select {
		case <-over:
			return nil
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func cancelledBefore(ctx context.Context, stage *Stage) error {
	batch := events(10)
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	expired, cancelExpired := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancelExpired()
	for _, c := range []struct {
		ctx  context.Context
		want error
	}{{cancelled, context.Canceled}, {expired, context.DeadlineExceeded}} {
		other := events(10)
		if err := s.Write(c.ctx, other); !errors.Is(err, c.want) {
			return fmt.Errorf("Write with a done context returned the error %v, want %v", err, c.want)
		}
		if err := missing(ctx, s, baseID(other)); err != nil {
			return fmt.Errorf("after Write with a done context: %w", err)
		}
		if err := allFail(c.ctx, s, baseID(batch), c.want); err != nil {
			return fmt.Errorf("with a done context: %w", err)
		}
	}
	return holds(ctx, s, batch)
}

// allFail checks that every method except Write and Close fails with the error.
func allFail(ctx context.Context, s *store.Store, id string, want error) error {
	errs := []error{
		named("Notifications", isOne(s.Notifications(ctx, id), want)),
		named("Traces", isOne(s.Traces(ctx, store.Query{}), want)),
		named("Traces with a limit", isOne(s.Traces(ctx, store.Query{Limit: 3}), want)),
		named("failed Traces", isOne(s.Traces(ctx, store.Query{Failed: true}), want)),
	}
	if _, err := s.Feed(ctx, ""); !errors.Is(err, want) {
		errs = append(errs, fmt.Errorf("Feed: got the error %w, want %w", err, want))
	}
	if _, err := s.Delete(ctx, id); !errors.Is(err, want) {
		errs = append(errs, fmt.Errorf("Delete: got the error %w, want %w", err, want))
	}
	if _, err := s.DeleteTraces(ctx, []string{id}); !errors.Is(err, want) {
		errs = append(errs, fmt.Errorf("DeleteTraces: got the error %w, want %w", err, want))
	}
	if err := s.Ping(ctx); !errors.Is(err, want) {
		errs = append(errs, fmt.Errorf("Ping: got the error %w, want %w", err, want))
	}
	return errors.Join(errs...)
}

func named(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func cancelledReading(ctx context.Context, stage *Stage) error {
	s, err := stage.With(ctx, events(500)...)
	if err != nil {
		return err
	}
	id := ""
	for t, err := range s.Traces(ctx, store.Query{}) {
		if id = t.BaseID; err != nil {
			return err
		}
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	came, last := 0, error(nil)
	for _, err := range s.Notifications(reading, id) {
		came++
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) || came > 2 {
		return fmt.Errorf("after its context was cancelled the sequence yielded %d more and ended with the error %v, want %v at once", came-1, last, context.Canceled)
	}
	return nil
}

func cancelledWriting(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	for _, after := range []time.Duration{0, 100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond} {
		batch := events(1000)
		writing, cancel := context.WithTimeout(ctx, after)
		start := time.Now()
		err := s.Write(writing, batch)
		cancel()
		if took := time.Since(start); took > 30*time.Second {
			return fmt.Errorf("Write took %v after its context ended", took)
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("Write, whose context ended, returned the error %w, want %w", err, context.DeadlineExceeded)
		}
		if err != nil {
			if err := s.Write(ctx, batch); err != nil {
				return fmt.Errorf("writing again: %w", err)
			}
		}
		if err := holds(ctx, s, batch); err != nil {
			return err
		}
	}
	return nil
}

func earlyBreak(ctx context.Context, stage *Stage) error {
	before := runtime.NumGoroutine()
	batch := events(200)
	batch[3].Info = `{"etype": "E"}`
	s, err := stage.With(ctx, append(slices.Clone(batch), trace(1)...)...)
	if err != nil {
		return err
	}
	for range 10 {
		for range s.Notifications(ctx, baseID(batch)) {
			break
		}
		for range s.Traces(ctx, store.Query{}) {
			break
		}
		for range s.Traces(ctx, store.Query{Failed: true, Limit: 3}) {
			break
		}
		if err := pollOne(ctx, s); err != nil {
			return err
		}
	}
	more := trace(2)
	if err := s.Write(ctx, more); err != nil {
		return fmt.Errorf("writing after reading was broken off: %w", err)
	}
	if err := errors.Join(holds(ctx, s, batch), holds(ctx, s, more), s.Close()); err != nil {
		return err
	}
	for range 1500 {
		if runtime.NumGoroutine() <= before {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	return fmt.Errorf("%d goroutines were there before, %d are after Close:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
}

// pollOne begins a feed, and leaves the loop over the first poll at once.
func pollOne(ctx context.Context, s *store.Store) error {
	if !s.Capabilities().Feed {
		return nil
	}
	feed, err := s.Feed(ctx, "")
	if err != nil {
		return err
	}
	for range feed.Poll(ctx) {
		break
	}
	return feed.Close()
}

func writeWhileReading(ctx context.Context, stage *Stage) error {
	batch := events(50)
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	other := events(50)
	i := 0
	for _, err := range s.Notifications(ctx, baseID(batch)) {
		if err != nil {
			return fmt.Errorf("reading while writing: %w", err)
		}
		if i < len(other) {
			if err := s.Write(ctx, other[i:i+1]); err != nil {
				return fmt.Errorf("writing while reading: %w", err)
			}
		}
		if _, err := read(ctx, s, baseID(batch)); err != nil {
			return fmt.Errorf("reading while reading: %w", err)
		}
		i++
	}
	return errors.Join(holds(ctx, s, batch), holds(ctx, s, other))
}

func closed(ctx context.Context, stage *Stage) error {
	batch := events(3)
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	early := s.Notifications(ctx, baseID(batch))
	for range 3 {
		if err := s.Close(); err != nil {
			return fmt.Errorf("Close: %w", err)
		}
	}
	for _, batch := range [][]osprofiler.Notification{batch, nil} {
		if err := s.Write(ctx, batch); !errors.Is(err, store.ErrClosed) {
			return fmt.Errorf("Write after Close returned the error %v, want %q", err, store.ErrClosed)
		}
	}
	if err := isOne(early, store.ErrClosed); err != nil {
		return fmt.Errorf("a sequence that was asked for before Close and used after it: %w", err)
	}
	return allFail(ctx, s, baseID(batch), store.ErrClosed)
}

func reopened(ctx context.Context, stage *Stage) error {
	batch, err := traceA()
	if err != nil {
		return err
	}
	s, err := stage.With(ctx, batch[:5]...)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = stage.Again(ctx); err != nil {
		return err
	}
	if err := holds(ctx, s, batch[:5]); err != nil {
		return err
	}
	if err := s.Write(ctx, batch[5:]); err != nil {
		return fmt.Errorf("writing after opening again: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = stage.Again(ctx); err != nil {
		return err
	}
	if err := holds(ctx, s, batch); err != nil {
		return err
	}
	return lists(ctx, s, store.Query{}, tracesOf(batch)...)
}
