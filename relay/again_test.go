package relay_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// After a Copy has read a source further than what a target has, the source cannot be used
// again, because a second Copy would set a checkpoint behind missing notifications.
func TestCopyAgainAfterAFailure(t *testing.T) {
	from, full := &memory{rows: notifications(120_000, 10)}, &memory{}
	full.onWrite = func([]osprofiler.Notification) error {
		if len(full.rows) >= 60_000 {
			return &store.WriteError{Err: errors.New("the disk is full")}
		}
		return nil
	}
	var cursors []store.Cursor
	checkpoint := func(_ context.Context, c store.Cursor) error {
		cursors = append(cursors, c)
		return nil
	}
	s := open(t, from)
	targets := []relay.Target{relay.ToStore(open(t, &memory{})), relay.ToStore(open(t, full))}
	for name, source := range map[string]relay.Source{
		"feed": relay.FromFeed(s, "", checkpoint), "traces": relay.FromTraces(s, store.Query{}),
	} {
		if _, err := relay.Copy(t.Context(), source, targets); err == nil {
			t.Fatalf("%s: a full target is no error", name)
		}
		if _, err := relay.Copy(t.Context(), source, targets); err == nil {
			t.Errorf("%s: Copy accepts a source that has passed what is missing", name)
		}
	}
	full.onWrite = nil
	last := cursors[len(cursors)-1]
	if _, err := relay.Copy(t.Context(), relay.FromFeed(s, last, checkpoint), targets); err != nil {
		t.Fatal(err)
	}
	if len(full.rows) != len(from.rows) {
		t.Errorf("the target has %d of %d notifications", len(full.rows), len(from.rows))
	}
}

// repeating is a memory whose feed starts from the beginning with each poll.
type repeating struct{ *memory }

func (r repeating) Feed(context.Context, store.Cursor) (driver.Feed, error) {
	return repeatingFeed(r), nil
}

type repeatingFeed struct{ *memory }

func (r repeatingFeed) Poll(context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for i, n := range r.rows {
			if err := r.onPoll(i); err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			if !yield(n, nil) {
				return
			}
		}
	}
}

func (r repeatingFeed) Cursor() store.Cursor { return "the beginning" }

// A feed that only repeats what it yielded makes no progress, so the retry ends.
func TestRetryOfARepeatingFeedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{rows: notifications(200, 10)}
		m.onPoll = func(row int) error {
			if row == 150 {
				return errBusy
			}
			return nil
		}
		began := time.Now()
		source := relay.FromStore(open(t, repeating{m}), relay.WithRetry(store.Retry{Elapsed: 3 * time.Second}))
		_, err := relay.Copy(t.Context(), source, []relay.Target{relay.ToStore(open(t, &memory{}))})
		if took := time.Since(began); !errors.Is(err, errBusy) || took > 10*time.Second {
			t.Errorf("Copy took %v and returned %v", took, err)
		}
	})
}

// If another program writes to the target between two Copies, the second Copy sees that.
func TestTargetUsedAgain(t *testing.T) {
	from, to := &memory{rows: notifications(3000, 10)}, &memory{entry: time.Microsecond}
	s, target := open(t, from), relay.ToStore(open(t, to))
	if _, err := relay.Copy(t.Context(), relay.FromStore(s), []relay.Target{target}); err != nil {
		t.Fatal(err)
	}
	other := notification(999_999, 5)
	from.rows, to.rows = append(from.rows, other), append(to.rows, other)
	if _, err := relay.Copy(t.Context(), relay.FromStore(s), []relay.Target{target}); err != nil {
		t.Fatal(err)
	}
	if len(to.rows) != len(from.rows) {
		t.Errorf("the target has %d notifications, the source %d", len(to.rows), len(from.rows))
	}
}
