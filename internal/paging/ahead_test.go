package paging_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler/internal/paging"
)

// numbers yields the numbers 0 to 3, and ends with an error when its context is done. It
// sends each number to told before it yields the number.
func numbers(told chan<- int) func(context.Context) iter.Seq2[int, error] {
	return func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range 4 {
				if told != nil {
					told <- i
				}
				if err := ctx.Err(); err != nil {
					yield(0, err)
					return
				}
				if !yield(i, nil) {
					return
				}
			}
		}
	}
}

func TestAhead(t *testing.T) {
	defer goleak.VerifyNone(t)
	var got []int
	for i, err := range paging.Ahead(t.Context(), numbers(nil)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, i)
	}
	if !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("got %v", got)
	}
}

// Ahead fetches the second element while the caller works on the first one.
func TestAheadGoesAhead(t *testing.T) {
	defer goleak.VerifyNone(t)
	told := make(chan int)
	go func() { <-told }() // the first
	for i, err := range paging.Ahead(t.Context(), numbers(told)) {
		if err != nil {
			t.Fatal(err)
		}
		if i == 3 {
			break
		}
		if next := <-told; next != i+1 {
			t.Errorf("while %d is worked on, %d is got", i, next)
		}
	}
}

// waits yields one element, and then the error of its context.
func waits(ctx context.Context) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		if yield(1, nil) {
			<-ctx.Done()
			yield(0, ctx.Err())
		}
	}
}

// Leaving the loop ends the goroutine, also if the goroutine waits for its context.
func TestAheadIsLeft(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, err := range paging.Ahead(t.Context(), waits) {
		if err == nil {
			break
		}
	}
	for _, err := range paging.Ahead(t.Context(), numbers(nil)) {
		if err == nil {
			break
		}
	}
}

// An error of the sequence about the caller's context reaches the caller.
func TestAheadOfADoneContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range paging.Ahead(ctx, waits) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("it ended with %v", last)
	}
}
