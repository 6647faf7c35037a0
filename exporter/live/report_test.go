package live

import "testing"

// The report of lost notifications has the text that docs/live.md shows.
func TestReportOfDroppedNotifications(t *testing.T) {
	limits := &limits{queueSize: 8192, queueBytes: 16 << 20}
	loss := lossBetween(Stats{}, Stats{Stops: Count{Dropped: 1204}}, limits)
	const want = `
live spans: 0 starts and 1204 stops (as many spans) were dropped, since the queue was full or the time of Shutdown over (the queue holds 8192 notifications, 16777216 bytes)`
	if got := "\n" + loss.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
