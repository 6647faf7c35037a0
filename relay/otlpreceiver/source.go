package otlpreceiver

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
)

var _ relay.Leaver = (*Receiver)(nil)

// maxRead is how many notifications one Read yields at most, unless one request has more.
const maxRead = 5000

// Name implements [relay.Source].
func (r *Receiver) Name() string { return r.name }

// Read implements [relay.Source]. It waits for a request. Then it yields the notifications of
// all waiting requests, up to a bound, and ends. The error is the reason why the receiver no
// longer listens.
func (r *Receiver) Read(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		if err := r.queue.wait(ctx); err != nil {
			yield(osprofiler.Notification{}, err)
			return
		}
		count := 0
		mayBegin := func(size int) bool { return count == 0 || count+size <= maxRead }
		for {
			n, ok := r.queue.next(mayBegin)
			if !ok || !yield(n, nil) {
				return
			}
			count++
		}
	}
}

// Position implements [relay.Source]. The position is the number of the last notification.
func (r *Receiver) Position() relay.Position {
	return relay.Position(strconv.FormatUint(r.queue.numberOf(), 10))
}

// Acknowledge implements [relay.Source]. It answers the requests before the position.
func (r *Receiver) Acknowledge(_ context.Context, p relay.Position) error {
	number, err := numberOf(p)
	if err != nil {
		return err
	}
	r.queue.acknowledge(number)
	return nil
}

// Leave implements [relay.Leaver]. The answer counts the notification's span among the
// refused ones, and names it.
func (r *Receiver) Leave(p relay.Position, reason error) {
	if number, err := numberOf(p); err == nil {
		r.queue.leave(number, reason)
	}
}

func numberOf(p relay.Position) (uint64, error) {
	if p == "" {
		return 0, nil
	}
	number, err := strconv.ParseUint(string(p), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no position of an OTLP receiver", string(p))
	}
	return number, nil
}
