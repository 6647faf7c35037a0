package messaging

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// TracesWithRequest implements driver.RequestLister. It looks at the messages only once,
// because reading a single trace also looks at all messages.
func (m *messages) TracesWithRequest(ctx context.Context, q store.Query) iter.Seq2[store.Summary, error] {
	return m.list(ctx, q, func(n *osprofiler.Notification) bool { return driver.MentionsRequest(n.Info, q.RequestID) })
}
