package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A transient failure in the middle is repeated. Deletions before it are counted. A trace that
// the driver refuses to delete does not stop the deletion of the others.
func TestRetriedDeletion(t *testing.T) {
	left := map[string]int{"a": 1, "b": 2, "d": 4}
	refusal, failures := errors.New("refused"), 2
	d := &programmed{delete: func(_ context.Context, id string) (int, error) {
		switch {
		case id == "c":
			return 0, &store.DamageError{Entry: "c", Reason: refusal}
		case id == "d" && failures > 0:
			failures--
			return 0, &store.TransientError{Err: errors.New("lost")}
		}
		n := left[id]
		delete(left, id)
		return n, nil
	}}
	ids := []string{"a", "b", "a", "no", "c", "d"}
	got, err := store.Retry{Initial: time.Millisecond}.DeleteTraces(t.Context(), store.New(d), ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 2, 0, 0, 0, 4} {
		if got[i].Notifications != want || errors.Is(got[i].Err, refusal) != (ids[i] == "c") {
			t.Errorf("%s: %+v, want %d", ids[i], got[i], want)
		}
	}
}

// A call that ends early counts the notifications that it has deleted.
func TestInterruptedDeletion(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var asked []string
	d := &programmed{delete: func(_ context.Context, id string) (int, error) {
		if asked = append(asked, id); id == "b" {
			cancel()
		}
		return 3, nil
	}}
	got, err := store.New(d).DeleteTraces(ctx, []string{"a", "b", "c"})
	want := []store.Deletion{{Notifications: 3}, {Notifications: 3}, {}}
	if !errors.Is(err, context.Canceled) || !slices.Equal(got, want) || !slices.Equal(asked, []string{"a", "b"}) {
		t.Errorf("got %v and %v, after asking for %v", got, err, asked)
	}
}
