package kafka

import (
	"context"
	"fmt"
	"iter"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// Peek implements bus.Bus. If the topics have more messages than limit, Peek yields the
// newest, because Kafka keeps messages that were read, so that the oldest are history. It
// reads from the leaders of the partitions, up to the ends that the partitions have when Peek
// begins. It joins no consumer group, commits no offset and creates no topic. A topic that
// does not exist counts as empty.
func (b *cluster) Peek(ctx context.Context, limit int) (messages iter.Seq2[bus.Message, error], more func() bool) {
	p := &peek{b: b, limit: int64(limit)}
	return func(yield func(bus.Message, error) bool) { p.all(ctx, yield) }, func() bool { return p.more }
}

// A peek is one call of Peek.
type peek struct {
	b      *cluster
	limit  int64
	more   bool
	number uint64
}

// all yields the messages.
func (p *peek) all(ctx context.Context, yield func(bus.Message, error) bool) {
	p.more, p.number = false, 0
	client, err := p.b.shared()
	if err != nil {
		yield(bus.Message{}, err)
		return
	}
	spans, err := p.spans(ctx, client)
	for i := range spans {
		var goOn bool
		if goOn, err = p.partition(ctx, client, &spans[i], yield); err != nil {
			break
		}
		if !goOn {
			p.more = p.more || size(spans[i:]) > 0
			return
		}
	}
	if err != nil {
		yield(bus.Message{}, p.b.failure(ctx, &p.b.watch, err))
	}
}

// spans returns the parts of the partitions to read.
func (p *peek) spans(ctx context.Context, client *kgo.Client) ([]span, error) {
	if err := p.b.ping(ctx, client); err != nil {
		return nil, err
	}
	topics, err := p.b.readable(ctx, client)
	if err != nil {
		return nil, err
	}
	spans, err := spansOf(ctx, client, topics)
	if err != nil || size(spans) <= p.limit {
		return spans, err
	}
	p.more = true
	return newest(spans, p.limit, func(time int64) ([]span, error) { return from(ctx, client, spans, time) })
}

// partition yields the messages of a span. It moves the start of the span past the yielded
// messages.
func (p *peek) partition(ctx context.Context, client *kgo.Client, s *span, yield func(bus.Message, error) bool) (goOn bool, err error) {
	f := fetcher{b: p.b, client: client, span: s}
	for s.start < s.end {
		records, next, err := f.fetch(ctx)
		if err != nil {
			return false, err
		}
		for _, r := range records {
			if r.Offset >= s.end {
				return true, nil
			}
			s.start = r.Offset + 1
			p.number++
			if !yield(bus.Message{Number: p.number, Body: r.Value, Place: placeOf(r)}, nil) {
				return false, nil
			}
		}
		s.start = next
	}
	return true, nil
}

// placeOf describes the position of a message.
func placeOf(r *kgo.Record) string {
	return fmt.Sprintf("the message at offset %d of partition %d of topic %q", r.Offset, r.Partition, r.Topic)
}
