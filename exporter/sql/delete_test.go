package sql_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// If two sessions delete the same traces, their counts together contain each
// notification once.
func TestDeletedByTwo(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		var batch []osprofiler.Notification
		var ids []string
		for i := range 300 {
			ids = append(ids, osprofiler.NewID())
			for j := range 3 {
				batch = append(batch, event(ids[i], strconv.Itoa(j)))
			}
		}
		if err := open(t, at).Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		var both [2][]store.Deletion
		var done sync.WaitGroup
		for i := range both {
			s := open(t, at)
			done.Go(func() {
				deletions, err := store.Retry{}.DeleteTraces(t.Context(), s, ids)
				if err != nil {
					t.Error(err)
				}
				both[i] = deletions
			})
		}
		done.Wait()
		for i := range ids {
			if n := both[0][i].Notifications + both[1][i].Notifications; n != 3 {
				t.Errorf("of the trace %d, %d notifications were counted, want 3", i, n)
			}
		}
	})
}
