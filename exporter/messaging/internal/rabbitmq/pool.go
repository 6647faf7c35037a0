package rabbitmq

import (
	"context"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// mostPublishers is the number of connections for publishing. More calls at once wait
// for one of them.
const mostPublishers = 8

// A pool has the connections for publishing. The most recently used connection is used next,
// so that there are only as many connections as concurrent calls.
type pool struct {
	bus    *Bus
	places chan struct{}

	mu     sync.Mutex
	idle   []*publisher
	closed bool
}

func newPool(b *Bus) *pool { return &pool{bus: b, places: make(chan struct{}, mostPublishers)} }

// use runs f with a publisher that nobody else uses. f connects the publisher if necessary.
func (p *pool) use(ctx context.Context, f func(*publisher) error) error {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.places }()
	one, err := p.take()
	if err != nil {
		return err
	}
	defer p.put(one)
	return f(one)
}

func (p *pool) take() (*publisher, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, amqp.ErrClosed
	}
	n := len(p.idle)
	if n == 0 {
		return &publisher{bus: p.bus}, nil
	}
	one := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return one, nil
}

func (p *pool) put(one *publisher) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.idle = append(p.idle, one)
	}
	p.mu.Unlock()
	if closed {
		one.close()
	}
}

// close closes the idle connections. The others are closed when they are returned to the pool.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	var closing sync.WaitGroup
	for _, one := range idle {
		closing.Go(one.close)
	}
	closing.Wait()
}
