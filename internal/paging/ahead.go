// Package paging helps to read a store page by page.
package paging

import (
	"context"
	"iter"
)

// Ahead runs a sequence in a goroutine of its own, so that the sequence fetches its
// next element while the caller works on the element before. The goroutine ends
// before the loop over the elements does. Leaving the loop early cancels the
// context of the sequence.
func Ahead[T any](ctx context.Context, sequence func(ctx context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		type element struct {
			value T
			err   error
		}
		ctx, cancel := context.WithCancel(ctx)
		elements, left := make(chan element), make(chan struct{})
		go func() {
			defer close(elements)
			for value, err := range sequence(ctx) {
				select {
				case elements <- element{value, err}:
				case <-left:
					return
				}
			}
		}()
		defer func() {
			cancel()
			close(left)
			for range elements { // until it has ended
			}
		}()
		for e := range elements {
			if !yield(e.value, e.err) {
				return
			}
		}
	}
}
