package loginsight

import (
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A listing of the newest traces does not check whether it has enough traces while it
// cannot have enough, and checks seldom if there are many traces.
func TestCheckerLooksSeldom(t *testing.T) {
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, c := range []struct {
		events      int
		span        time.Duration // of all of them
		least, most int           // looks
	}{
		{100_000, 20 * time.Hour, 0, 0},
		{100_000, 20 * 24 * time.Hour, 5, 20},
		{5000, 48 * time.Hour, 1, 2},
	} {
		var check checker
		looks := 0
		for i := range c.events { // each is a trace
			at := now.Add(-c.span / time.Duration(c.events) * time.Duration(i))
			check.add(&osprofiler.Notification{Timestamp: osprofiler.FormatTime(at)})
			if check.isDue(i, boundOf(at.UnixMilli())) {
				looks++
			}
		}
		if looks < c.least || looks > c.most {
			t.Errorf("%d looks at %d events of %v, want %d to %d", looks, c.events, c.span, c.least, c.most)
		}
	}
}
