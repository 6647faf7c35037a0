package rabbitmq

import (
	"context"
	"maps"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// isEndangered reports whether RabbitMQ would drop a message if it were given back, because
// the message has reached the delivery limit.
func (p *peek) isEndangered(d *amqp.Delivery) bool {
	limit, _ := p.deliveryLimit()
	count, counts := deliveriesOf(d)
	return counts && limit > 0 && count >= limit
}

// endangered returns the endangered messages that are not saved yet.
func (p *peek) endangered() (all []*amqp.Delivery) {
	for i := range p.held {
		if d := &p.held[i]; p.isEndangered(d) && !p.saved[d.DeliveryTag] {
			all = append(all, d)
		}
	}
	return all
}

// rescue publishes copies of the endangered messages to the end of their queue, and
// acknowledges the originals. The messages lose their place, which is better than being lost.
// After an error, the peek is stuck: it has messages that must not be given back.
func (p *peek) rescue(ctx context.Context) error {
	messages := p.endangered()
	p.stuck = len(messages) > 0
	for len(messages) > 0 {
		n := min(len(messages), mostSent)
		if err := p.save(ctx, messages[:n]); err != nil {
			return explained.New(err, "a message of the quorum queue %q has reached its delivery limit, so that RabbitMQ would drop it, and could not be published again: %s",
				p.queue, p.bus.explain(ctx, err).Error())
		}
		messages = messages[n:]
	}
	p.stuck = false
	return nil
}

// save publishes copies on a connection of its own. During an alarm the broker does not read
// from a connection that publishes, and it closes a channel when it refuses a message.
func (p *peek) save(ctx context.Context, messages []*amqp.Delivery) error {
	c, err := p.bus.connect(ctx)
	if err != nil {
		return err
	}
	defer c.leave(ctx)
	ch, err := c.channel(ctx)
	if err != nil {
		return err
	}
	g := c.guard(ctx)
	defer g.end()
	if err := ch.Confirm(false); err != nil {
		return ch.why(err)
	}
	var confirms []*amqp.DeferredConfirmation
	for _, d := range messages {
		confirm, err := ch.PublishWithDeferredConfirm("", p.queue, false, false, copyOf(d))
		if err != nil {
			return ch.why(err)
		}
		confirms = append(confirms, confirm)
		g.progressed()
	}
	for i, confirm := range confirms {
		if !confirm.Wait() { // the guard ends the wait
			if ch.IsClosed() {
				return ch.why(amqp.ErrClosed)
			}
			return errRefused
		}
		g.progressed()
		// A call after the end of its context would close the connection and lose the
		// remaining messages.
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.ch.call(context.WithoutCancel(ctx), func(*amqp.Channel) error { return messages[i].Ack(false) }); err != nil {
			return err
		}
		p.saved[messages[i].DeliveryTag] = true
	}
	return nil
}

// rescued is a header of copies. A copy counts as delivered before, because its original was.
const rescued = "osp-rescued"

// copyOf returns a message as its first publisher published it, without the properties that
// would change its routing or its acceptance. RabbitMQ also routes a message to the queues in
// its header CC, and refuses the name of another user.
func copyOf(d *amqp.Delivery) amqp.Publishing {
	headers := maps.Clone(d.Headers)
	if headers == nil {
		headers = amqp.Table{}
	}
	headers[rescued] = true
	delete(headers, deliveryCount)
	for _, name := range []string{"CC", "BCC"} {
		if value, ok := headers[name]; ok {
			delete(headers, name)
			headers["osp-"+name] = value
		}
	}
	return amqp.Publishing{
		Headers: headers, ContentType: d.ContentType, ContentEncoding: d.ContentEncoding, DeliveryMode: d.DeliveryMode,
		Priority: d.Priority, CorrelationId: d.CorrelationId, ReplyTo: d.ReplyTo, Expiration: d.Expiration, MessageId: d.MessageId,
		Timestamp: d.Timestamp, Type: d.Type, AppId: d.AppId, Body: d.Body,
	}
}

// A keeper has the stuck peeks. Each peek has a connection of its own. The connection stays
// open, because closing it gives the messages back.
type keeper struct {
	releasing semaphore

	mu    sync.Mutex
	peeks []*peek
}

func (k *keeper) keep(p *peek) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.peeks = append(k.peeks, p)
}

// take removes and returns all peeks.
func (k *keeper) take() []*peek {
	k.mu.Lock()
	defer k.mu.Unlock()
	peeks := k.peeks
	k.peeks = nil
	return peeks
}

// release tries again to rescue the messages of all peeks concurrently, and keeps the peeks
// that are still stuck. A call during another one waits for it.
func (k *keeper) release(ctx context.Context) error {
	if err := k.releasing.acquire(ctx); err != nil {
		return err
	}
	defer k.releasing.release()
	peeks := k.take()
	errs := make([]error, len(peeks))
	var working sync.WaitGroup
	for i, p := range peeks {
		working.Go(func() {
			if errs[i] = p.giveBack(ctx); p.stuck {
				k.keep(p)
				return
			}
			errs[i] = nil // the end of the connection also gives the messages back
			p.conn.leave(ctx)
		})
	}
	working.Wait()
	return firstOf(errs)
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// close tries a last time to rescue messages. It gives back the messages that cannot be
// rescued.
func (k *keeper) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := k.release(ctx)
	for _, p := range k.take() {
		p.conn.close()
	}
	return err
}
