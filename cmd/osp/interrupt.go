package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// await runs a call that takes no context. It returns the results of the call, or
// the error of ctx if ctx ends first. In the second case the call is still running,
// and the caller must not use anything that the call writes to.
func await[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := call()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// An interruptible writer fails when ctx ends, even if w blocks. After an
// error, do not write again and do not change the last buffer, because the write
// may still be running.
type interruptible struct {
	ctx context.Context
	w   io.Writer
}

// Write implements io.Writer.
func (i interruptible) Write(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return await(i.ctx, func() (int, error) { return i.w.Write(p) })
}

// graceTime is the time for a command to end after the signal that interrupts it,
// for example to roll back, to close its store, or to remove a temporary file.
const graceTime = time.Second

// graceKey is the context key for an *atomic.Int64: the time that a command needs in addition
// to graceTime.
type graceKey struct{}

// extendGrace gives the command that runs in ctx more time to end after a signal.
func extendGrace(ctx context.Context, by time.Duration) {
	if more, ok := ctx.Value(graceKey{}).(*atomic.Int64); ok {
		more.Store(int64(by + closeTime))
	}
}

// interrupted runs a command. It returns when the command has ended, or graceTime after ctx
// has ended, even if the command still waits for something. A command gets more time by
// extendGrace.
func interrupted(ctx context.Context, command func(context.Context) (code int), stderr io.Writer) (code int) {
	done := make(chan int, 1)
	more := &atomic.Int64{}
	go func() { done <- command(context.WithValue(ctx, graceKey{}, more)) }()
	select {
	case code := <-done:
		return code
	case <-ctx.Done():
	}
	timer := time.NewTimer(graceTime + time.Duration(more.Load()))
	defer timer.Stop()
	select {
	case code := <-done:
		return code
	case <-timer.C:
	}
	written := make(chan struct{})
	go func() {
		fmt.Fprintln(stderr, "osp: interrupted")
		close(written)
	}()
	timer.Reset(graceTime / 10) // stderr may block too
	select {
	case <-written:
	case <-timer.C:
	}
	return exitFailed
}
