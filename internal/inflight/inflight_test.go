package inflight_test

import (
	"context"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/inflight"
)

func TestCloseRefusesAndCancels(t *testing.T) {
	c := inflight.New()
	if !c.Enter() {
		t.Fatal("an open counter refused a call")
	}
	ctx, cancel := c.Context(t.Context())
	defer cancel()
	if c.Closed() || ctx.Err() != nil {
		t.Fatal("the counter is closed before Close")
	}
	if !c.Close() {
		t.Error("the first Close was not reported as the first")
	}
	<-ctx.Done()
	<-c.Closing()
	if c.Enter() {
		t.Error("a closed counter accepted a call")
	}
	select {
	case <-c.Idle():
		t.Error("the counter is idle while a call is in progress")
	default:
	}
	c.Leave()
	<-c.Idle()
	if c.Close() {
		t.Error("the second Close was reported as the first")
	}
}

func TestIdleWithoutCalls(t *testing.T) {
	c := inflight.New()
	c.Close()
	<-c.Idle()
	ctx, cancel := c.Context(context.Background())
	defer cancel()
	<-ctx.Done() // even if ctx was made after Close
}

func TestManyCalls(t *testing.T) {
	c := inflight.New()
	var calls sync.WaitGroup
	entered := make(chan struct{}, 100)
	for range 100 {
		calls.Go(func() {
			if c.Enter() {
				entered <- struct{}{}
				<-c.Closing()
				c.Leave()
			}
		})
	}
	for range 100 {
		<-entered
	}
	c.Close()
	<-c.Idle()
	calls.Wait()
}
