package rabbitmq

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// poll gets messages one by one and passes them on. So the queue has no consumer whose end
// would delete the queue.
func (s *stream) poll(ch *channel, arrivals chan<- arrival) {
	defer close(s.done)
	s.handKept(arrivals)
	for {
		var (
			d  amqp.Delivery
			ok bool
		)
		err := ch.call(context.Background(), func(ch *amqp.Channel) (err error) {
			d, ok, err = ch.Get(s.lane.queue, false)
			return err
		})
		switch {
		case err != nil:
			s.hand(arrivals, arrival{stream: s, ended: true})
			return
		case ok:
			s.polling.empty.Store(false)
			s.session.endangered.note(&d)
			if !s.handOrKeep(arrivals, &d) {
				return
			}
			continue
		}
		s.polling.empty.Store(true)
		select {
		case <-time.After(pause):
		case <-s.stop:
			return
		}
	}
}

// hand passes an arrival on, unless nobody receives arrivals any more.
func (s *stream) hand(arrivals chan<- arrival, a arrival) bool {
	select {
	case arrivals <- a:
		return true
	case <-s.stop:
		return false
	}
}
