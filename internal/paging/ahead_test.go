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

// numbers counts, until its context is done, and tells what it is about to yield.
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

// The second element is got while the first one is worked on.
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

// waits yields one element, and then what its context ended with.
func waits(ctx context.Context) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		if yield(1, nil) {
			<-ctx.Done()
			yield(0, ctx.Err())
		}
	}
}

// Leaving the loop ends the goroutine, also one that waits for its context.
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

// What the sequence says of the caller's context reaches the caller.
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
