package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

const (
	// mostSent is the largest number of messages that are sent but not confirmed.
	mostSent = 1000
	// large is the size from which a body is sent alone. A broker that refuses the body by
	// closing the channel then refuses no other message with it.
	large = 64 << 10
)

// Publish sends the messages and waits for their confirms.
func (b *Bus) Publish(ctx context.Context, messages []bus.Outgoing, out *outcome.Outcome) {
	w := &writing{bus: b, messages: messages, out: out, most: mostSent}
	for i := range messages {
		w.todo = append(w.todo, i)
	}
	err := b.pool.use(ctx, func(p *publisher) error { return w.run(ctx, p) })
	if err != nil {
		err = b.explain(ctx, err)
		out.Miss(err, isTransient(err), w.todo...)
	}
}

// A writing is one call of Publish.
type writing struct {
	bus      *Bus
	messages []bus.Outgoing
	out      *outcome.Outcome
	todo     []int     // the indices of the messages that are not known to be on the bus
	most     int       // the largest number of messages sent at once
	refused  time.Time // since when the broker has refused messages; zero if it accepts them
}

// run publishes the messages piece by piece. After an error, todo has the messages that are
// not known to be on the bus.
func (w *writing) run(ctx context.Context, p *publisher) error {
	for len(w.todo) > 0 {
		if err := p.ready(ctx); err != nil {
			return p.named(err)
		}
		w.refuseKnown(p.conn)
		if len(w.todo) == 0 {
			return nil
		}
		if err := w.piece(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// piece publishes the next messages.
func (w *writing) piece(ctx context.Context, p *publisher) error {
	piece := w.next()
	s, err := p.send(ctx, w.messages, piece)
	w.done(s.confirmed)
	switch {
	case isSize(err):
		w.tooLarge(p, piece, err)
		return nil
	case err != nil:
		err = p.named(err)
		p.leave()
		return err
	case len(s.refused) > 0:
		return p.named(w.pauseRefused(ctx, len(s.confirmed) > 0))
	case len(s.returned) == 0:
		return nil
	}
	return w.again(ctx, p, s.returned)
}

// mostRefusals is how long messages that the broker refuses are published again.
const mostRefusals = 2 * time.Second

// pauseRefused waits before messages are published again that the broker has reported as not
// taken. A quorum queue without a leader, such as one that was just declared, takes nothing
// for a moment.
func (w *writing) pauseRefused(ctx context.Context, progress bool) error {
	switch {
	case w.refused.IsZero() || progress:
		w.refused = time.Now()
	case time.Since(w.refused) > mostRefusals:
		return errRefused
	}
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again declares everything and republishes the messages that came back because no queue is
// bound. Somebody has deleted the queue or the exchange since they were declared.
func (w *writing) again(ctx context.Context, p *publisher, piece []int) error {
	if err := p.renew(ctx); err != nil {
		return p.named(err)
	}
	s, err := p.send(ctx, w.messages, piece)
	w.done(s.confirmed)
	switch {
	case err != nil:
		err = p.named(err)
		p.leave()
		return err
	case len(s.refused) > 0:
		return p.named(errRefused)
	case len(s.returned) > 0:
		return p.named(&returnedError{w.bus.config.Exchanges[0], w.bus.config.Topics[0], p.unbound})
	}
	return nil
}

// next returns the messages to send at once: many small ones, or one large one.
func (w *writing) next() []int {
	piece := w.todo[:min(len(w.todo), w.most)]
	for n, i := range piece {
		if len(w.messages[i].Body) >= large {
			return slices.Clone(w.todo[:max(n, 1)])
		}
	}
	return slices.Clone(piece)
}

// done removes messages from todo.
func (w *writing) done(indices []int) {
	if len(indices) == 0 {
		return
	}
	w.todo = slices.DeleteFunc(w.todo, func(i int) bool {
		_, is := slices.BinarySearch(indices, i)
		return is
	})
}

// refuseKnown refuses the messages that exceed the size limit that the broker has stated
// before on this connection.
func (w *writing) refuseKnown(c *conn) {
	if c.largest == 0 {
		return
	}
	var refused []int
	for _, i := range w.todo {
		if len(w.messages[i].Body) > c.largest {
			refused = append(refused, i)
		}
	}
	w.out.Refuse(fmt.Errorf("%s takes messages of at most %d bytes", c.name, c.largest), refused...)
	w.done(refused)
}

// tooLarge continues after the broker has closed the channel because of the size of a message.
// If the answer states the size limit, refuseKnown refuses the message, and the others are
// sent again. Otherwise halves of the piece are tried.
func (w *writing) tooLarge(p *publisher, piece []int, err error) {
	p.ch = nil
	largest, ok := largestOf(err)
	switch {
	case ok && (p.conn.largest == 0 || largest < p.conn.largest):
		p.conn.largest = largest
	case len(piece) == 1:
		w.out.Refuse(p.named(err), piece...)
		w.done(piece)
		w.most = mostSent
	default:
		w.most = len(piece) / 2
	}
}

// A sending is the outcome of sending messages.
type sending struct {
	confirmed []int // the messages that are in the queue
	returned  []int // the messages for which no queue is bound
	refused   []int // the messages that the broker reports as not taken
}

// send sends messages and waits for the confirms. If messages are missing from the result,
// send returns an error, and those messages may or may not be on the bus.
func (p *publisher) send(ctx context.Context, messages []bus.Outgoing, piece []int) (s sending, err error) {
	confirms, err := p.publish(ctx, messages, piece)
	if err == nil || p.ch.IsClosed() { // a channel that was closed has ended all confirms
		if waited := p.await(ctx, confirms); err == nil {
			err = waited
		}
	}
	returned := p.returned(messages, piece)
	for n, confirm := range confirms {
		switch i := piece[n]; {
		case returned[i]:
			s.returned = append(s.returned, i)
		case confirm.Acked():
			s.confirmed = append(s.confirmed, i)
		case err == nil:
			s.refused = append(s.refused, i)
		}
	}
	return s, err
}

// publish sends the messages.
func (p *publisher) publish(ctx context.Context, messages []bus.Outgoing, piece []int) (confirms []*amqp.DeferredConfirmation, err error) {
	exchange, topic := p.bus.config.Exchanges[0], p.bus.config.Topics[0]
	g := p.conn.guard(ctx)
	defer g.end()
	for _, i := range piece {
		confirm, err := p.ch.PublishWithDeferredConfirm(exchange, topic, true, false, amqp.Publishing{
			ContentType: "application/json", ContentEncoding: "utf-8", DeliveryMode: amqp.Persistent, Body: messages[i].Body,
		})
		if err != nil {
			return confirms, p.ch.why(err)
		}
		confirms = append(confirms, confirm)
		g.progressed()
	}
	return confirms, nil
}

// await waits for the confirms until none has come within the timeout.
func (p *publisher) await(ctx context.Context, confirms []*amqp.DeferredConfirmation) error {
	timer := time.NewTimer(p.conn.timeout)
	defer timer.Stop()
	for _, confirm := range confirms {
		select {
		case <-confirm.Done():
			timer.Reset(p.conn.timeout)
		case <-timer.C:
			return p.conn.overdue(os.ErrDeadlineExceeded)
		case <-ctx.Done():
			return p.conn.overdue(ctx.Err())
		}
		if !confirm.Acked() && p.ch.IsClosed() {
			return p.ch.why(amqp.ErrClosed)
		}
	}
	return nil
}

// returned returns the messages that came back. A message comes back before its confirm, so
// that all are here. Our messages all have equal properties, as those of oslo.messaging do. So
// returned matches messages by their bodies.
func (p *publisher) returned(messages []bus.Outgoing, piece []int) map[int]bool {
	var of map[string][]int
	returned := map[int]bool{}
	for {
		select {
		case r, ok := <-p.returns:
			if !ok {
				return returned
			}
			if of == nil {
				of = map[string][]int{}
				for _, i := range piece {
					of[string(messages[i].Body)] = append(of[string(messages[i].Body)], i)
				}
			}
			if same := of[string(r.Body)]; len(same) > 0 {
				returned[same[0]], of[string(r.Body)] = true, same[1:]
			}
		default:
			return returned
		}
	}
}

// named adds the name of the server to an error.
func (p *publisher) named(err error) error {
	if p.conn == nil {
		return err
	}
	return p.bus.explainFrom(p.conn.name, err)
}

var errRefused = errors.New("its queue is full and refuses more (x-overflow is reject-publish), or the node of the queue has failed")

// A returnedError is the error for a message that came back twice.
type returnedError struct {
	exchange, topic string
	unbound         error
}

func (e *returnedError) Unwrap() error { return e.unbound }

func (e *returnedError) Error() string {
	text := fmt.Sprintf("the exchange %q has no queue for messages with the routing key %q", e.exchange, e.topic)
	if e.unbound != nil {
		text += ", and the user of the connection string may not bind the queue"
	}
	return text
}
