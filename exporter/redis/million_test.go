package redis_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The newest hundred of a million traces are listed in less than 200 MB.
func TestMillionTraces(t *testing.T) {
	if !testenv.Soak() {
		t.Skip("a million traces take minutes: OSP_TEST_SOAK=1 (make soak) runs this")
	}
	const traces, limit = 1_000_000, 100
	s := open(t, "redis://"+testenv.StartRedis(t).Addr()+"?socket_timeout=30")
	for first := 0; first < traces; first += 2000 {
		batch := make([]osprofiler.Notification, 2000)
		for i := range batch {
			batch[i] = event(fmt.Sprintf("%08d-0000-4000-8000-000000000001", first+i), first+i)
		}
		write(t, s, batch...)
	}
	var peak atomic.Uint64
	done := make(chan struct{})
	go watch(&peak, done)
	start := time.Now()
	got, _ := collect(t, s.Traces(t.Context(), store.Query{Limit: limit}))
	took := time.Since(start)
	done <- struct{}{}
	if len(got) != limit || !strings.HasPrefix(got[0].BaseID, fmt.Sprintf("%08d", traces-1)) {
		t.Errorf("listed %d, the first of them %v", len(got), got[0])
	}
	t.Logf("%v, peak of the heap %d MB", took, peak.Load()>>20)
	if peak.Load() > 200<<20 {
		t.Errorf("the heap grew to %d MB", peak.Load()>>20)
	}
}

// watch notes the most that was got from the system until it is done.
func watch(peak *atomic.Uint64, done chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(20 * time.Millisecond):
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.Sys-m.HeapReleased))
		}
	}
}
