package rabbitmq

import (
	"context"
	"errors"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A lane is one queue of a Consumption, with a connection of its own: the broker closes
// the connection, or the channel, whose request it refuses, and what came on it counts
// as delivered once more. A lane has one goroutine at most that speaks to the broker. Its fields are
// written under the mutex of the Consumption.
type lane struct {
	mu        *sync.Mutex // of the Consumption
	queue     string
	prefetch  int // of the next stream
	conn      *conn
	session   *session  // nil if there is no channel
	lost      bool      // the broker has ended the channel or the consumer
	stream    *stream   // nil if nothing can arrive
	left      int       // messages that were left, in this session
	leftSince time.Time // when the first of them was left
	narrowed  int       // of them, those that came in this stream
	counts    bool      // it is a quorum queue, which counts deliveries
	kind      queueKind
	polled    bool // it is an auto-delete queue

	working  bool      // a goroutine speaks to the broker
	failure  error     // of the last attempt, or nil
	reported bool      // the failure was yielded
	attempts int       // that failed, one after the other
	next     time.Time // when the next one may be made
	ready    bool      // the queue had messages that should arrive, when it was asked
	guessed  bool      // the broker did not know whether it had any
}

// A session is a channel of a lane, with what came on it.
type session struct {
	ch         *channel
	endangered *endangered
	streams    int     // that there were
	last       *stream // the last of them

	turn   semaphore // of acknowledging and giving back, and of what follows
	acked  uint64    // all delivery tags up to this one are acknowledged
	single time.Time // when a message was last acknowledged alone
}

// A stream is one consumer of a lane, or what polls it.
type stream struct {
	lane     *lane
	session  *session
	tag      string
	prefetch int
	canceled bool          // by this side, to begin a wider one
	polling  *polling      // nil for a consumer
	stop     chan struct{} // closed when nobody takes arrivals
	done     chan struct{} // closed when nothing of it runs any more

	before *stream         // of the same session, or nil
	kept   []amqp.Delivery // what arrived when nobody took arrivals; complete when done is closed
}

// mostLeft is how many messages that are not ours a lane holds. RabbitMQ remembers
// each one, and so does the channel.
const mostLeft = 50_000

// errCrowded is the error of a queue with too many messages that are not ours.
var errCrowded = errors.New("there are too many other messages")

// errStream is the error of a queue that is a stream, whose messages cannot be taken.
var errStream = errors.New("the queue is a stream")

// isNarrow reports whether messages that were left take up half of the prefetch count,
// so that soon nothing would arrive any more.
func (l *lane) isNarrow() bool {
	return l.stream != nil && !l.polled && !l.stream.canceled && 2*l.narrowed >= l.stream.prefetch
}

// needsWork reports whether messages cannot arrive, or soon cannot.
func (l *lane) needsWork() bool {
	return l.stream == nil || l.isNarrow() || l.left >= mostLeft || l.conn.isLost()
}

// holdsNothing reports whether the end of the connection gives no messages back.
func (l *lane) holdsNothing() bool { return l.session == nil || l.session.ch.IsClosed() }

// countsDeliveries reports whether the queue counts deliveries. A message that arrives
// while the lane works may tell it.
func (l *lane) countsDeliveries() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// failed notes the outcome of an attempt. A lane that fails again and again is tried less
// and less often.
func (l *lane) failed(err error) {
	l.failure, l.reported = err, false
	if err == nil {
		l.attempts = 0
		return
	}
	l.next = time.Now().Add(min(leastRetry<<min(l.attempts, 5), mostRetry))
	l.attempts++
}

// These bound how often a lane that fails is tried beside others that do not.
const (
	leastRetry = time.Second
	mostRetry  = 30 * time.Second
)

// forward hands on what arrives until the consumer ends.
func (s *stream) forward(deliveries <-chan amqp.Delivery, arrivals chan<- arrival) {
	defer close(s.done)
	s.handKept(arrivals)
	for d := range deliveries {
		s.session.endangered.note(&d) // also those that nobody takes any more
		s.handOrKeep(arrivals, &d)
	}
	s.hand(arrivals, arrival{stream: s, ended: true})
}

// handOrKeep hands on a message, or keeps it for the next stream of the session. The order
// stays.
func (s *stream) handOrKeep(arrivals chan<- arrival, d *amqp.Delivery) bool {
	if len(s.kept) == 0 && s.hand(arrivals, arrival{stream: s, message: *d}) {
		return true
	}
	s.kept = append(s.kept, *d)
	return false
}

// handKept hands on what the stream before has kept: the channel could not be closed, so
// that the broker does not send these messages again. Those that were saved come again as
// copies.
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

// close gives back what the lane holds, and ends its connection. If messages can be
// neither given back nor saved, the Bus keeps the connection.
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

// settling is how long a quorum queue gets for single acknowledgements before their
// channel is closed. RabbitMQ sends at most 32 of them to the queue at once, keeps others
// back until the queue has answered, and forgets what it keeps back when the channel
// closes; those messages are delivered again.
const settling = time.Second

// giveBack closes the channel, after it has saved what RabbitMQ would drop then.
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
	_ = l.session.ch.giveBack(ctx) // the end of the connection does it, too
	return nil
}

// halt ends the stream and waits until all has arrived that was on its way. The client
// library takes one request at a time, so that polling ends before the channel.
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

// acknowledge acknowledges ordered delivery tags: a run that begins behind what is
// acknowledged already by one message, and what lies behind a message that was left one
// by one. Those that were saved are acknowledged already; the broker closes a channel that
// acknowledges a message twice. It does not begin after the end of the context; once begun, it is not ended by it, which
// would end the connection.
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
