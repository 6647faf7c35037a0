package relay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// The memory of late halves is bounded, including the other halves that arrived.
func TestTheMemoryOfLateHalvesCountsBothHalves(t *testing.T) {
	l := &lateHalves{maxBytes: 100_000}
	info := osprofiler.Info(`{"a": "` + strings.Repeat("x", 10_000) + `"}`)
	half := func(i int, name string) osprofiler.Notification {
		return osprofiler.Notification{BaseID: "b", TraceID: fmt.Sprint(i), Name: name, Info: info}
	}
	for i := range 9 {
		h := &lateHalf{notification: half(i, "x-start"), since: time.Now()}
		if dropped := l.add(h); len(dropped) > 0 {
			t.Fatalf("half %d drops %d", i, len(dropped))
		}
	}
	dropped := 0
	for _, h := range append([]*lateHalf(nil), l.byAge...) {
		dropped += len(l.complete(h, half(0, "x-stop")))
	}
	if l.bytes > l.maxBytes || dropped != 5 || len(l.byID) != 4 {
		t.Errorf("%d bytes, %d dropped, %d held", l.bytes, dropped, len(l.byID))
	}
	for len(l.byAge) > 0 {
		l.shift()
	}
	if l.bytes != 0 {
		t.Errorf("%d bytes without halves", l.bytes)
	}
}
