package relay

import (
	"testing"
	"time"
)

// The clock runs between long Reads of a store that does not fail. It stands still for twice
// the time of an outage.
func TestFilterClock(t *testing.T) {
	const settle = 10 * time.Second
	for name, f := range map[string]struct {
		receptions  []reception   // in turn
		least, most time.Duration // bounds of the clock's time in 100 s
	}{
		"receives":           {[]reception{allReceive}, 98 * time.Second, 100 * time.Second},
		"Reads of 3 s":       {[]reception{someRead, someRead, allReceive}, 32 * time.Second, 35 * time.Second},
		"fails now and then": {[]reception{someReceive, allReceive}, 0, 2 * time.Second},
		"fails":              {[]reception{noneReceive}, 0, 0},
	} {
		c, now := newFilterClock(settle), time.Unix(0, 0)
		for i := range 101 {
			c.tick(now, f.receptions[i%len(f.receptions)])
			now = now.Add(time.Second)
		}
		if c.reading < f.least || c.reading > f.most {
			t.Errorf("%s: the clock shows %v, want %v to %v", name, c.reading, f.least, f.most)
		}
	}
}
