package otlpreceiver

import (
	"testing"
	"time"
)

// A request that arrives fast enough is not ended for others, however long it takes, because
// it would be as slow again. A request of which nothing arrives is ended.
func TestWhatArrivesFastEnoughIsNotHurried(t *testing.T) {
	r := openForTest(t, "osp_max_requests=4")
	a, f := r.admit(t.Context(), "192.0.2.1:1")
	if f != nil {
		t.Fatal(f)
	}
	defer a.leave()
	r.short.Add(1) // another request waits
	defer r.short.Add(-1)
	fast, idle := make(chan struct{}), make(chan struct{})
	received := int64(0)
	defer a.hurry(func() int64 { received += 1 << 40; return received }, func() { close(fast) })()
	defer a.hurry(func() int64 { return 1 << 40 }, func() { close(idle) })()
	select {
	case <-idle:
	case <-time.After(time.Minute):
		t.Fatal("the request of which nothing arrives goes on")
	}
	select {
	case <-fast:
		t.Error("the request that arrives fast is ended")
	case <-time.After(patience / 2):
	}
}
