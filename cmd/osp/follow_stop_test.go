package main

import (
	"context"
	"testing"
	"time"
)

// The line about stopping comes in front of the one about the end.
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
