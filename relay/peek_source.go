package relay

import (
	"context"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A peekSource copies the messages on a message bus, and removes none.
type peekSource struct {
	storeConfig
	consumable

	store  *store.Store
	query  store.Query
	chosen keySet // the traces that the query selects
	listed bool
}

// Name implements Source.
func (p *peekSource) Name() string { return p.store.Name() }

// Read implements Source. If the bus fails for a transient reason, Read begins again at the
// first message.
func (p *peekSource) Read(ctx context.Context) sequence {
	never := func(*consumer) int { return 0 } // a new peek begins at the first message
	return resumed(ctx, p.retry, never, func(c *consumer) error {
		if err := p.list(ctx, c); err != nil || c.left {
			return err
		}
		if p.selectsAll() {
			return c.takeChosen(p.store.Peek(ctx), nil)
		}
		return c.takeChosen(p.store.Peek(ctx), &p.chosen)
	})
}

// selectsAll reports whether the query asks for every trace.
func (p *peekSource) selectsAll() bool { return p.query == store.Query{} }

// list collects the traces that the query selects.
func (p *peekSource) list(ctx context.Context, c *consumer) error {
	if p.listed || p.selectsAll() {
		return nil
	}
	all, err := c.list(p.store.Traces(ctx, p.query), p.chosen.add)
	p.listed = all
	return err
}

// Position implements Source. It is always empty, because a bus is read from its beginning.
func (p *peekSource) Position() Position { return "" }

// Acknowledge implements Source.
func (p *peekSource) Acknowledge(context.Context, Position) error { return nil }

// Close implements Source.
func (p *peekSource) Close() error { return p.chosen.close() }
