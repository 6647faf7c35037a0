package relay

import (
	"context"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// An operationID identifies an operation. Both halves have the same one.
type operationID struct{ baseID, traceID string }

func operationOf(n *osprofiler.Notification) operationID { return operationID{n.BaseID, n.TraceID} }

// A lateHalf is an exported half whose other half may still arrive. It was exported alone, or
// as part of a whole span by a relay that was killed after that.
type lateHalf struct {
	notification osprofiler.Notification
	other        *osprofiler.Notification // the half that arrived late; nil before
	since        time.Time
	entry        uint64 // in the journal
	gone         bool
}

// lateAge is how long a half that was exported alone is remembered.
const lateAge = time.Hour

// lateHalves holds the late halves, within a bound of memory.
type lateHalves struct {
	byID     map[operationID]*lateHalf
	byAge    []*lateHalf
	bytes    int64
	maxBytes int64
}

// The memory of a lateHalf besides its texts: of the half itself, and of the other half.
const (
	lateFixed  = 512
	otherFixed = 256
)

// size returns the memory of a late half.
func (h *lateHalf) size() int64 {
	size := lateFixed + int64(h.notification.Size())
	if h.other != nil {
		size += otherFixed + int64(h.other.Size())
	}
	return size
}

func (l *lateHalves) add(h *lateHalf) (dropped []*lateHalf) {
	if l.byID == nil {
		l.byID = map[operationID]*lateHalf{}
	}
	id := operationOf(&h.notification)
	if before := l.byID[id]; before != nil {
		dropped = append(dropped, l.remove(before))
	}
	l.byID[id] = h
	l.byAge = append(l.byAge, h)
	l.bytes += h.size()
	return append(dropped, l.shrink()...)
}

// complete notes the other half. It returns the halves that were dropped to make room in
// memory.
func (l *lateHalves) complete(h *lateHalf, other osprofiler.Notification) (dropped []*lateHalf) {
	if h.gone {
		return nil
	}
	l.bytes -= h.size()
	h.other = &other
	l.bytes += h.size()
	return l.shrink()
}

// shrink removes the oldest halves until the others fit into the memory.
func (l *lateHalves) shrink() (dropped []*lateHalf) {
	for l.bytes > l.maxBytes && len(l.byAge) > 1 {
		if oldest := l.shift(); oldest != nil {
			dropped = append(dropped, oldest)
		}
	}
	return dropped
}

func (l *lateHalves) remove(h *lateHalf) *lateHalf {
	delete(l.byID, operationOf(&h.notification))
	h.gone = true
	l.bytes -= h.size()
	return h
}

// shift removes the oldest half. It returns nil if the half was removed before.
func (l *lateHalves) shift() *lateHalf {
	h := l.byAge[0]
	l.byAge[0] = nil
	l.byAge = l.byAge[1:]
	if h.gone {
		return nil
	}
	return l.remove(h)
}

// expire removes the halves that are too old.
func (l *lateHalves) expire(now time.Time) (dropped []*lateHalf) {
	for len(l.byAge) > 0 && (l.byAge[0].gone || now.Sub(l.byAge[0].since) >= lateAge) {
		if h := l.shift(); h != nil {
			dropped = append(dropped, h)
		}
	}
	return dropped
}

// find returns the late half of the same operation, or nil.
func (l *lateHalves) find(n *osprofiler.Notification) *lateHalf {
	h := l.byID[operationOf(n)]
	if h == nil || h.notification.Operation() != n.Operation() {
		return nil
	}
	return h
}

// repair exports as whole spans the operations that a late half of the batch completes. It
// returns the rest of the batch.
func (t *exporterTarget) repair(ctx context.Context, batch []osprofiler.Notification) ([]osprofiler.Notification, error) {
	if len(t.late.byID) == 0 {
		return batch, nil
	}
	rest := make([]osprofiler.Notification, 0, len(batch))
	var spans []sdktrace.ReadOnlySpan
	repaired := map[*lateHalf]*osprofiler.Notification{}
	for i := range batch {
		n := &batch[i]
		h := t.late.find(n)
		switch {
		case h == nil:
			rest = append(rest, *n)
		case h.notification.Half() == n.Half():
			if h.notification.Equal(*n) {
				t.known.Add(1)
			} else {
				rest = append(rest, *n)
			}
		case h.other != nil && h.other.Equal(*n):
			t.known.Add(1)
		default:
			spans = append(spans, t.spanOf(&h.notification, n))
			repaired[h] = n
		}
	}
	if err := t.deliver(ctx, spans); err != nil {
		return nil, err
	}
	for h, n := range repaired {
		for _, dropped := range t.late.complete(h, *n) {
			t.removeLate(dropped)
		}
	}
	t.repaired.Add(int64(len(spans)))
	return rest, nil
}

// spanOf returns the span of two halves in any order.
func (t *exporterTarget) spanOf(a, b *osprofiler.Notification) sdktrace.ReadOnlySpan {
	if a.Half() == osprofiler.Stop {
		a, b = b, a
	}
	return t.convert.SpanOf(a, b)
}
