package relay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

var errBusy = &store.TransientError{Err: errors.New("the server is busy")}

// every returns a hook that fails at every n-th call. The call after that succeeds.
func every(n int) func() error {
	calls := 0
	return func() error {
		if calls++; calls%n == 0 {
			return errBusy
		}
		return nil
	}
}

// Reading continues where it was after the server was away for a moment, as often as that
// happens.
func TestReadingIsRepeated(t *testing.T) {
	all := notifications(2000, 10)
	sources := map[string]func(s *store.Store) relay.Source{
		"feed":    func(s *store.Store) relay.Source { return relay.FromStore(s) },
		"traces":  func(s *store.Store) relay.Source { return relay.FromTraces(s, store.Query{}) },
		"scanned": func(s *store.Store) relay.Source { return relay.FromTraces(s, store.Query{}) },
		"base ids": func(s *store.Store) relay.Source {
			return relay.FromBaseIDs(s, []string{traceID(0), traceID(1), traceID(2)})
		},
	}
	for name, source := range sources {
		synctest.Test(t, func(t *testing.T) {
			fails, lists, reads := every(100), every(2), every(2)
			from := &memory{rows: all, indexed: true, lookup: time.Millisecond, entry: time.Millisecond}
			if name == "scanned" { // reading one trace costs as much as reading all
				from.indexed, from.lookup, from.entry = false, 0, time.Microsecond
				fails = every(2700) // in the second reading of the feed
			}
			from.onPoll = func(int) error { return fails() }
			from.onRead = func(string) error { return reads() }
			from.onList = func() error { return lists() }
			targetFails, targetReads := every(100), every(3)
			m := &memory{rows: all[:100:100], entry: time.Microsecond}
			m.onPoll = func(int) error { return targetFails() }
			m.onRead = func(string) error { return targetReads() }
			want := all
			if name == "base ids" {
				m.rows, want = nil, all[:30]
			}
			_, err := copyAll(t, source(open(t, from)), []relay.Target{relay.ToStore(open(t, m))})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			checkRows(t, m, want)
			if name == "scanned" && from.lookups > 100 {
				t.Errorf("%d traces were looked up, want the feed to be read", from.lookups)
			}
		})
	}
}

// If reading keeps failing, Copy ends after the time of the Retry, or with the context. It
// copies what was read before.
func TestReadingIsGivenUp(t *testing.T) {
	all := notifications(2000, 10)
	for name, c := range map[string]struct {
		failure  error
		retry    store.Retry
		deadline time.Duration
		atLeast  time.Duration
		atMost   time.Duration
		polls    int // of the row that cannot be read; 0: any number
	}{
		"default":        {errBusy, store.Retry{}, time.Hour, 20 * time.Second, 31 * time.Second, 0},
		"short":          {errBusy, store.Retry{Elapsed: 2 * time.Second}, time.Hour, time.Second, 3 * time.Second, 0},
		"no retry":       {errBusy, store.Retry{Elapsed: -1}, time.Hour, 0, 0, 1},
		"no such reason": {errors.New("the table is damaged"), store.Retry{}, time.Hour, 0, 0, 1},
		"context":        {errBusy, store.Retry{}, 3 * time.Second, 3 * time.Second, 3 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			from, m, polls := &memory{rows: all}, &memory{}, 0
			from.onPoll = func(row int) error {
				if row == 1500 {
					polls++
					return c.failure
				}
				return nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
			defer cancel()
			began := time.Now()
			_, err := relay.Copy(ctx, relay.FromStore(open(t, from), relay.WithRetry(c.retry)), []relay.Target{relay.ToStore(open(t, m))})
			if !errors.Is(err, c.failure) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took < c.atLeast || took > c.atMost {
				t.Errorf("%s: it took %v, want %v to %v", name, took, c.atLeast, c.atMost)
			}
			if c.polls > 0 && polls != c.polls {
				t.Errorf("%s: %d tries, want %d", name, polls, c.polls)
			}
			want := all[:1500]
			if name == "context" {
				want = []osprofiler.Notification{}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", name, err)
				}
			}
			checkRows(t, m, want)
		})
	}
}

// A source that yields the same again and again before it fails is given up, too.
func TestReadingWithoutProgressIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{rows: notifications(20, 10), indexed: true}
		source := relay.FromTraces(open(t, cutOff{m}), store.Query{})
		began := time.Now()
		_, err := copyAll(t, source, []relay.Target{relay.ToStore(open(t, &memory{}))})
		if !errors.Is(err, errBusy) || time.Since(began) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
