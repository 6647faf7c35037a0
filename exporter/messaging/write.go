package messaging

import (
	"context"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Write implements driver.Writer.
func (m *messages) Write(ctx context.Context, batch []osprofiler.Notification) error {
	sent := time.Now()
	outgoing := make([]bus.Outgoing, len(batch))
	for i := range batch {
		outgoing[i] = bus.Outgoing{Key: driver.Text(batch[i].BaseID), Body: m.appendBody(nil, &batch[i], sent)}
	}
	out := outcome.Of(batch)
	m.bus.Publish(ctx, outgoing, out)
	return out.Err()
}
