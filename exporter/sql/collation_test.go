package sql_test

import (
	"errors"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Ids that a database's collation treats as equal still belong to different
// traces.
func TestIDsThatAreNearlyTheSame(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		if err := s.Write(t.Context(), []osprofiler.Notification{event("abc", "x-start")}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"ABC", "abc ", "àbc"} {
			var last error
			for n, err := range s.Notifications(t.Context(), id) {
				if last = err; err == nil {
					t.Errorf("%q yields %s", id, n.JSON())
				}
			}
			if !errors.Is(last, store.ErrNotFound) {
				t.Errorf("%q ends with %v", id, last)
			}
		}
	})
}
