package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// Publish implements bus.Bus. A message is confirmed when all in-sync replicas have it.
// Messages with the same key are in one partition, in the order of publishing.
//
// A message that exceeds the size limit of the topic is sent alone and compressed. It is
// refused only if the broker then refuses it. If the topic's real limit is smaller than the
// one it reported, the broker refuses all messages of a batch. These messages are then sent
// again one by one.
func (b *cluster) Publish(ctx context.Context, messages []bus.Outgoing, out *outcome.Outcome) {
	client, err := b.shared()
	if err == nil {
		err = b.prepare(ctx, client)
	}
	if err != nil {
		b.miss(ctx, err, out, numbers(0, len(messages))...)
		return
	}
	for from := 0; from < len(messages); {
		to := from
		for to < len(messages) && !b.isLarge(&messages[to]) {
			to++
		}
		alone := b.send(ctx, client, messages, numbers(from, to), out)
		if from = to; to < len(messages) {
			alone = append(alone, to)
			from++
		}
		for _, i := range alone {
			if out.Reason() != nil {
				b.rest(out, i)
				continue
			}
			b.sendAlone(ctx, messages, i, out)
		}
		if out.Reason() != nil {
			b.rest(out, numbers(from, len(messages))...)
			break
		}
	}
	if out.Reason() != nil {
		b.ready.Store(false)
	}
	var gone *goneError
	if errors.As(out.Reason(), &gone) {
		b.forget()
	}
}

// forget makes the clients forget the topic, which was deleted. Otherwise the library never
// notices a new topic of the same name.
func (b *cluster) forget() {
	b.mu.Lock()
	clients := []*kgo.Client{b.client, b.aloner}
	b.mu.Unlock()
	for _, client := range clients {
		if client != nil {
			client.PurgeTopicsFromProducing(b.topic())
		}
	}
}

// rest records messages that are not sent, because earlier messages are missing. Waiting for
// each of them would take too long.
func (b *cluster) rest(out *outcome.Outcome, indices ...int) {
	out.Miss(out.Reason(), out.Transient(), indices...)
}

// numbers returns the numbers from the first argument up to, but not including, the second.
func numbers(from, to int) []int {
	all := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

// isLarge reports whether the topic may refuse a message without compression.
func (b *cluster) isLarge(m *bus.Outgoing) bool {
	return len(m.Key)+len(m.Body)+batchOverhead > int(b.largest.Load())
}

// batchOverhead is an upper bound for the bytes of a batch of one message besides its key and
// its body.
const batchOverhead = 100

// miss records messages that are not known to be on the bus.
func (b *cluster) miss(ctx context.Context, err error, out *outcome.Outcome, indices ...int) {
	reason := b.explain(ctx, &b.watch, err)
	class := b.classOf(reason)
	out.Miss(reason, class.IsTransient() || class == serverstate.Row, indices...)
}

// A confirmation is the outcome of sending one message.
type confirmation struct {
	index int
	err   error
}

// sendAlone sends one message in a batch of its own, compressed, and waits for its
// confirmation. It records a message that the broker refuses for its content.
func (b *cluster) sendAlone(ctx context.Context, messages []bus.Outgoing, i int, out *outcome.Outcome) {
	client, err := b.single()
	if err != nil {
		b.miss(ctx, err, out, i)
		return
	}
	select {
	case b.alone <- struct{}{}:
		defer func() { <-b.alone }()
	case <-ctx.Done():
		b.miss(ctx, ctx.Err(), out, i)
		return
	}
	var failure error
	b.confirm(ctx, client, messages, []int{i}, func(c confirmation) { failure = c.err })
	switch {
	case failure == nil:
	case b.classOf(failure) == serverstate.Row:
		out.Refuse(b.explain(ctx, &b.watch, failure), i)
	default:
		b.miss(ctx, b.used(failure), out, i)
	}
}

// used returns the error of a message that was sent to an existing topic. The error is a
// goneError if the topic was deleted in the meantime.
func (b *cluster) used(err error) error {
	if !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kerr.UnknownTopicID) {
		return err
	}
	return &goneError{b.topic(), err}
}

// send sends messages and waits for their confirmations. It returns the messages whose batch
// the broker refused for its content.
func (b *cluster) send(ctx context.Context, client *kgo.Client, messages []bus.Outgoing, indices []int, out *outcome.Outcome) (again []int) {
	b.confirm(ctx, client, messages, indices, func(c confirmation) {
		switch {
		case c.err == nil:
		case b.classOf(c.err) == serverstate.Row:
			again = append(again, c.index)
		default:
			b.miss(ctx, b.used(c.err), out, c.index)
		}
	})
	slices.Sort(again)
	return again
}

// confirm sends messages and calls note with the outcome of each. It gives up when no
// confirmation has come within the timeout.
func (b *cluster) confirm(ctx context.Context, client *kgo.Client, messages []bus.Outgoing, indices []int, note func(confirmation)) {
	sending, giveUp := context.WithCancel(ctx)
	defer giveUp() // messages that are not sent by then are dropped
	confirmations := make(chan confirmation, len(indices))
	waiting := make(map[int]struct{}, len(indices))
	for _, i := range indices {
		waiting[i] = struct{}{}
		record := &kgo.Record{Topic: b.topic(), Key: []byte(messages[i].Key), Value: messages[i].Body}
		client.TryProduce(sending, record, func(_ *kgo.Record, err error) { confirmations <- confirmation{i, err} })
	}
	progress := time.NewTimer(b.config.Timeout)
	defer progress.Stop()
	var failure error
	for len(waiting) > 0 && failure == nil {
		select {
		case c := <-confirmations:
			delete(waiting, c.index)
			note(c)
			progress.Reset(b.config.Timeout)
		case <-ctx.Done():
			failure = ctx.Err()
		case <-progress.C:
			failure = errUnconfirmed
		}
	}
	for i := range waiting {
		note(confirmation{i, failure})
	}
}
