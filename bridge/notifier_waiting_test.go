package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// moody is an exporter that fails at every third export.
type moody struct{ calls atomic.Int64 }

func (m *moody) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	if m.calls.Add(1)%3 == 0 {
		return errors.New("not now")
	}
	return nil
}

func (*moody) Shutdown(context.Context) error { return nil }

// record has the waiting notifications that a program has written down.
type record struct {
	mu      sync.Mutex
	upTo    uint64
	waiting map[uint64]osprofiler.Notification
}

func (r *record) release(number uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, number)
}

func (r *record) update(n *bridge.Notifier) {
	r.mu.Lock()
	defer r.mu.Unlock()
	upTo, halves := n.Waiting(r.upTo)
	maps.Insert(r.waiting, halves)
	r.upTo = upTo
}

// While other goroutines call the Notifier, the record of a program has exactly the waiting
// notifications.
func TestWaitingIsRightForManyCallers(t *testing.T) {
	r := &record{waiting: map[uint64]osprofiler.Notification{}}
	n := bridge.NewNotifier(&moody{}, bridge.WithReleased(r.release), bridge.WithConcurrentExports(4))
	const callers, operations = 8, 400
	var calling, writing sync.WaitGroup
	ended := make(chan struct{})
	for range 2 {
		writing.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					r.update(n)
				}
			}
		})
	}
	for caller := range callers {
		calling.Go(func() {
			for i := range operations {
				start, stop := halvesOf(fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", caller, i))
				_ = n.Notify(t.Context(), start)
				if i%4 != 0 {
					_ = n.Notify(t.Context(), stop) // if that fails, the start waits again
				}
			}
		})
	}
	calling.Wait()
	close(ended)
	writing.Wait()
	r.update(n)
	_, halves := n.Waiting(0)
	waiting := maps.Collect(halves)
	for number := range waiting {
		if _, ok := r.waiting[number]; !ok {
			t.Errorf("the half %d waits and is not written down", number)
		}
	}
	if len(waiting) < callers*operations/4 || len(waiting) != len(r.waiting) {
		t.Errorf("%d halves wait, %d are written down", len(waiting), len(r.waiting))
	}
	for n.Shutdown(t.Context()) != nil { // until no export fails
	}
}
