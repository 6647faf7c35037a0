package main

import (
	"context"
	"testing"
	"time"
)

// The function of whenEnded waits for f. So the log line about stopping precedes the line
// about the end.
func TestWhatIsDoneWhenAContextEndsIsWaitedFor(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	called := false
	wait := whenEnded(ctx, func() {
		time.Sleep(50 * time.Millisecond)
		called = true
	})
	cancel()
	if wait(); !called {
		t.Error("it is not called")
	}
	ctx, cancel = context.WithCancel(t.Context())
	wait = whenEnded(ctx, func() { t.Error("it is called without the end of the context") })
	wait()
	cancel()
}
