package rabbitmq

import (
	"context"
	"errors"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A lane is the consumption of one queue, with a connection of its own. When the broker
// refuses a request, it closes the channel or the connection, and every message on it then
// counts as delivered once more. At most one goroutine of a lane calls the broker. The fields
// of a lane are written under the mutex of the Consumption.
type lane struct {
	mu        *sync.Mutex // of the Consumption
	queue     string
	prefetch  int // of the next stream
	conn      *conn
	session   *session  // nil if there is no channel
	lost      bool      // the broker has ended the channel or the consumer
	stream    *stream   // nil if nothing can arrive
	left      int       // the number of messages that were left, in this session
	leftSince time.Time // when the first of them was left
	narrowed  int       // the number of left messages that came in this stream
	counts    bool      // the queue is a quorum queue, which counts deliveries
	kind      queueKind
	polled    bool // the queue is an auto-delete queue

	working  bool      // a goroutine is calling the broker
	failure  error     // of the last attempt, or nil
	reported bool      // the failure was yielded
	attempts int       // the number of consecutive attempts that failed
	next     time.Time // when the next attempt may be made
	ready    bool      // at the last answer, the queue had messages that should arrive
	guessed  bool      // the broker did not know whether the queue had any messages
}

// A session is a channel of a lane, with the messages that came on it.
type session struct {
	ch         *channel
	endangered *endangered
	streams    int     // the number of streams so far
	last       *stream // the last stream

	turn   semaphore // locks acknowledging and giving back, and the fields below
	acked  uint64    // all delivery tags up to this one are acknowledged
	single time.Time // when a message was last acknowledged alone
}

// A stream is one consumer of a lane, or the goroutine that polls its queue.
type stream struct {
	lane     *lane
	session  *session
	tag      string
	prefetch int
	canceled bool          // canceled by this side, to begin a consumer with a larger prefetch count
	polling  *polling      // nil for a consumer
	stop     chan struct{} // closed when nobody receives arrivals
	done     chan struct{} // closed when all goroutines of the stream have ended

	before *stream         // of the same session, or nil
	kept   []amqp.Delivery // messages that arrived when nobody received arrivals; complete when done is closed
}

// mostLeft is the largest number of messages that are not ours and that a lane holds. RabbitMQ
// remembers each one, and so does the channel.
const mostLeft = 50_000

// errCrowded is the error for a queue with too many messages that are not ours.
var errCrowded = errors.New("there are too many other messages")

// errStream is the error for a queue that is a stream, whose messages cannot be taken.
var errStream = errors.New("the queue is a stream")

// isNarrow reports whether messages that were left use half of the prefetch count, so that
// soon no more messages would arrive.
func (l *lane) isNarrow() bool {
	return l.stream != nil && !l.polled && !l.stream.canceled && 2*l.narrowed >= l.stream.prefetch
}

// needsWork reports whether messages cannot arrive, or soon will not be able to.
func (l *lane) needsWork() bool {
	return l.stream == nil || l.isNarrow() || l.left >= mostLeft || l.conn.isLost()
}

// holdsNothing reports that the end of the connection would give no messages back.
func (l *lane) holdsNothing() bool { return l.session == nil || l.session.ch.IsClosed() }

// countsDeliveries reports whether the queue counts deliveries. A message that arrives while
// the lane works may reveal it.
func (l *lane) countsDeliveries() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// failed records the outcome of an attempt. A lane that fails repeatedly is tried less and
// less often.
func (l *lane) failed(err error) {
	l.failure, l.reported = err, false
	if err == nil {
		l.attempts = 0
		return
	}
	l.next = time.Now().Add(min(leastRetry<<min(l.attempts, 5), mostRetry))
	l.attempts++
}

// These durations bound how often a failing lane is tried while other lanes work.
const (
	leastRetry = time.Second
	mostRetry  = 30 * time.Second
)

// forward passes arrivals on until the consumer ends.
func (s *stream) forward(deliveries <-chan amqp.Delivery, arrivals chan<- arrival) {
	defer close(s.done)
	s.handKept(arrivals)
	for d := range deliveries {
		s.session.endangered.note(&d) // also messages that nobody receives any more
		s.handOrKeep(arrivals, &d)
	}
	s.hand(arrivals, arrival{stream: s, ended: true})
}

// handOrKeep passes a message on, or keeps it for the next stream of the session. The order of
// the messages stays.
func (s *stream) handOrKeep(arrivals chan<- arrival, d *amqp.Delivery) bool {
	if len(s.kept) == 0 && s.hand(arrivals, arrival{stream: s, message: *d}) {
		return true
	}
	s.kept = append(s.kept, *d)
	return false
}

// handKept passes on the messages that the previous stream has kept. The channel could not be
// closed, so that the broker does not send these messages again. Messages that were saved
// arrive again as copies.
func (s *stream) handKept(arrivals chan<- arrival) {
	if s.before == nil {
		return
	}
	<-s.before.done
	for i := range s.before.kept {
		if d := &s.before.kept[i]; !s.session.endangered.isSaved(d.DeliveryTag) {
			s.handOrKeep(arrivals, d)
		}
	}
	s.before = nil
}

// end ends the stream of the lane on this side. The mutex is held.
func (l *lane) end() {
	if l.stream != nil {
		close(l.stream.stop)
		l.stream = nil
	}
}

// close gives back the messages that the lane holds, and ends the connection of the lane. If
// messages can be neither given back nor saved, the Bus keeps the connection.
func (l *lane) close(b *Bus) (err error) {
	if l.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err = l.giveBack(ctx); l.session != nil && l.session.endangered.saver.stuck {
		b.stuck.keep(l.session.endangered.saver)
		return err
	}
	l.mu.Lock()
	l.end()
	l.mu.Unlock()
	l.conn.leave(ctx)
	return err
}

// settling is how long a quorum queue gets for single acknowledgements before their channel is
// closed. RabbitMQ sends at most 32 of them to the queue at once and delays the others until
// the queue has answered. It forgets the delayed ones when the channel closes, and delivers
// their messages again.
const settling = time.Second

// giveBack closes the channel, after it has saved the messages that RabbitMQ would then drop.
func (l *lane) giveBack(ctx context.Context) error {
	if l.holdsNothing() || l.session.turn.acquire(ctx) != nil {
		return nil
	}
	defer l.session.turn.release()
	if l.polled || l.countsDeliveries() {
		l.halt(ctx)
	}
	if l.countsDeliveries() && !l.holdsNothing() {
		if err := l.session.endangered.rescue(ctx); err != nil {
			return err
		}
		select {
		case <-time.After(settling - time.Since(l.session.single)):
		case <-ctx.Done():
		}
	}
	_ = l.session.ch.giveBack(ctx) // the end of the connection also gives the messages back
	return nil
}

// halt ends the stream and waits for the messages that are already on their way. The client
// library takes one request at a time, so that polling ends before the channel is closed.
func (l *lane) halt(ctx context.Context) {
	l.mu.Lock()
	s := l.stream
	l.end()
	l.mu.Unlock()
	if s == nil {
		return
	}
	if !l.polled {
		if s.session.ch.call(ctx, func(ch *amqp.Channel) error { return ch.Cancel(s.tag, false) }) != nil {
			return
		}
	}
	select {
	case <-s.done:
	case <-ctx.Done():
	}
}

// acknowledge acknowledges ordered delivery tags. It acknowledges the run directly after the
// acknowledged tags with one message, and tags after a message that was left one by one. Saved
// messages are already acknowledged, and are skipped, because the broker closes a channel that
// acknowledges a message twice. acknowledge does not begin after the end of the context. Once
// begun, it ignores the end of the context, which would end the connection.
func (s *session) acknowledge(ctx context.Context, tags []uint64) error {
	if err := s.turn.acquire(ctx); err != nil {
		return err
	}
	defer s.turn.release()
	s.endangered.acknowledged(tags)
	return s.ch.call(context.WithoutCancel(ctx), func(ch *amqp.Channel) error {
		run, acked, last := 0, s.acked, uint64(0)
		for run < len(tags) && tags[run] == acked+1 {
			acked = tags[run]
			if run++; !s.endangered.isSaved(acked) {
				last = acked
			}
		}
		if last > 0 {
			if err := ch.Ack(last, true); err != nil {
				return err
			}
		}
		s.acked = acked
		for _, tag := range tags[run:] {
			if s.endangered.isSaved(tag) {
				continue
			}
			s.single = time.Now()
			if err := ch.Ack(tag, false); err != nil {
				return err
			}
		}
		return nil
	})
}
