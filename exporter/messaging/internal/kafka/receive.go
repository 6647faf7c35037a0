package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A receiving is one call of Receive.
type receiving struct {
	c      *consumption
	m      *member
	idle   time.Duration // 0 for a Receive that waits without end
	quiet  time.Time     // since when no message has come although one could have
	alone  time.Time     // since when the group has given this member no partitions; zero if it has
	behind time.Time     // since when the group is behind the partitions' ends although no message comes
}

// mostJoining is how long a member may wait for partitions. A group waits until the session of
// a member that has died expires.
const mostJoining = 90 * time.Second

// run yields messages. Receive yields the error that run returns.
func (r *receiving) run(ctx context.Context, yield func(bus.Message, error) bool) error {
	r.quiet = time.Now()
	for {
		if message, ok := r.next(); ok {
			if !yield(message, nil) {
				return nil
			}
			r.quiet, r.behind = time.Now(), time.Time{}
			continue
		}
		if err := r.await(ctx); err != nil {
			return err
		}
		wait := r.c.b.config.Timeout
		if r.idle > 0 {
			wait = r.idle - time.Since(r.quiet)
		}
		if wait <= 0 {
			if over, err := r.isOver(ctx); over || err != nil {
				return err
			}
			wait = 100 * time.Millisecond
		}
		if err := r.poll(ctx, min(wait, r.c.b.config.Timeout)); err != nil {
			return err
		}
	}
}

// await sets quiet to the time since which messages could come, which is when the group gave
// this member its partitions. It returns an error if the group gives none. The library does
// not join the group before a topic exists.
func (r *receiving) await(ctx context.Context) error {
	if since := r.m.since(); !since.IsZero() {
		r.alone = time.Time{}
		if since.After(r.quiet) {
			r.quiet = since
		}
		return nil
	}
	topics, err := r.c.b.readable(ctx, r.m.client)
	switch {
	case err != nil:
		return r.c.b.failure(ctx, &r.m.watch, err)
	case len(topics) == 0:
		return nil
	case r.alone.IsZero():
		r.alone = time.Now()
	case time.Since(r.alone) > mostJoining:
		return &store.TransientError{Err: r.c.b.unjoined(mostJoining)}
	}
	r.quiet = time.Now()
	return nil
}

// next returns the next message that was polled.
func (r *receiving) next() (bus.Message, bool) {
	record, a, ok := r.m.next()
	if !ok {
		return bus.Message{}, false
	}
	r.c.mu.Lock()
	r.c.number++
	number := r.c.number
	r.c.mu.Unlock()
	r.m.delivered(a, record, number)
	// Kafka does not report which messages another member has received and not acknowledged.
	return bus.Message{Number: number, Body: record.Value, Place: placeOf(record), Redelivered: true}, true
}

// poll waits for messages. If none come, it checks whether the brokers answer.
func (r *receiving) poll(ctx context.Context, wait time.Duration) error {
	some, errs := r.m.poll(ctx, wait)
	if err := ctx.Err(); err != nil && !some {
		return err
	}
	for _, err := range errs {
		if err := r.judge(ctx, err); err != nil {
			return err
		}
	}
	if some || wait < r.c.b.config.Timeout {
		return nil
	}
	return r.c.b.failure(ctx, &r.m.watch, r.c.b.ping(ctx, r.m.client))
}

// judge returns the error of the library if Receive should yield it, or nil if the library
// recovers by itself.
func (r *receiving) judge(ctx context.Context, err error) error {
	b := r.c.b
	var session *kgo.ErrGroupSession
	var loss *kgo.ErrDataLoss
	switch class := b.classOf(err); {
	case errors.Is(err, kgo.ErrClientClosed):
		return store.ErrClosed
	case errors.As(err, &loss):
		return &store.TransientError{Err: b.explain(ctx, &r.m.watch, err)}
	case errors.As(err, &session) && class != serverstate.Stays:
		return nil // the member joins again; poll checks whether a broker answers
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.LeaderNotAvailable):
		return nil // the topic may be created later
	}
	r.c.leave(ctx, r.m)
	return b.failure(ctx, &r.m.watch, err)
}

// isOver reports whether Receive ends, because idle has passed and the group has all messages.
// While the group is behind the ends of the partitions, as it may be while a broker is slow,
// Receive goes on for some time. An offset without a message at the end, such as the end of a
// transaction, has the same appearance. So after that time Receive checks, and ends if there
// is really no message.
func (r *receiving) isOver(ctx context.Context) (bool, error) {
	behind, err := r.m.behind(ctx)
	switch {
	case err != nil:
		return false, r.c.b.failure(ctx, &r.m.watch, err)
	case len(behind) == 0:
		return true, nil
	case r.behind.IsZero():
		r.behind = time.Now()
	}
	if time.Since(r.behind) < r.c.b.config.Timeout {
		return false, nil
	}
	for i := range behind {
		if err := r.isEmpty(ctx, &behind[i]); err != nil {
			return false, r.c.b.failure(ctx, &r.m.watch, err)
		}
	}
	return true, nil
}

// isEmpty returns an error if the span contains a message, because that message did not
// arrive.
func (r *receiving) isEmpty(ctx context.Context, s *span) error {
	f := fetcher{b: r.c.b, client: r.m.client, span: s}
	for s.start < s.end {
		records, next, err := f.fetch(ctx)
		if err != nil {
			return err
		}
		if len(records) > 0 && records[0].Offset < s.end {
			return explained.New(errStuck, "%s has not delivered %s for %v", r.c.b.name, placeOf(records[0]), r.c.b.config.Timeout)
		}
		s.start = next
	}
	return nil
}
