package inflight_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/osprofiler-otel/osprofiler/internal/inflight"
)

func TestCloserWaitsForTheCallsInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed, late := errors.New("failed"), errors.New("late")
		c := inflight.NewCloser()
		ends := 0
		end := func() error { ends++; return failed }
		if !c.Enter() {
			t.Fatal("an open Closer refused a call")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(late)
		if ended, err := c.Shutdown(ctx, end); ended || !errors.Is(err, late) || ends != 0 {
			t.Errorf("during a call: %v, %v, ended %d times", ended, err, ends)
		}
		if c.Enter() {
			t.Error("it takes a call after Shutdown")
		}
		second := make(chan error, 1)
		go func() {
			_, err := c.Shutdown(t.Context(), end)
			second <- err
		}()
		synctest.Wait()
		c.Leave()
		if err := <-second; !errors.Is(err, failed) {
			t.Error(err)
		}
		if ended, err := c.Shutdown(ctx, end); !ended || !errors.Is(err, failed) || ends != 1 {
			t.Errorf("after the end: %v, %v, ended %d times", ended, err, ends)
		}
	})
}
