package convert

import (
	"iter"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// Spans pairs the notifications of one trace and yields their spans, in the order of each
// operation's first notification. A start and a stop belong together if they have the same
// trace_id, in any order. Equal notifications count once. A half without the other half
// becomes a span with [MissingKey]. Several operations with the same trace_id become several
// spans.
//
// Spans reads all notifications before it yields the first span. It passes errors of the
// sequence on. After an error that ended the sequence, the spans may lack the notifications
// that were not read.
func (c *Converter) Spans(notifications iter.Seq2[osprofiler.Notification, error]) iter.Seq2[sdktrace.ReadOnlySpan, error] {
	return func(yield func(sdktrace.ReadOnlySpan, error) bool) {
		var order []operationKey
		operations := map[operationKey]*operation{}
		for n, err := range notifications {
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			key := operationKey{n.BaseID, n.TraceID}
			o := operations[key]
			if o == nil {
				o = &operation{}
				operations[key] = o
				order = append(order, key)
			}
			o.add(n)
		}
		for _, key := range order {
			for start, stop := range operations[key].pairs() {
				if !yield(c.SpanOf(start, stop), nil) {
					return
				}
			}
		}
	}
}

// An operationKey has the ids that the notifications of an operation share.
type operationKey struct{ baseID, traceID string }

// An operation has all the notifications of one trace_id.
type operation struct {
	starts, stops []*osprofiler.Notification
	seen          map[osprofiler.Notification]bool // used for long lists
}

// longList is the length from which notifications are no longer compared one by one, because a
// store may have very many notifications with one id. In a longer list, notifications are
// equal only if they have the same text.
const longList = 32

func (o *operation) add(n osprofiler.Notification) {
	list := &o.starts
	if n.Half() == osprofiler.Stop {
		list = &o.stops
	}
	if len(*list) < longList {
		for _, other := range *list {
			if other.Equal(n) {
				return
			}
		}
	} else {
		if o.seen[n] {
			return
		}
		if o.seen == nil {
			o.seen = map[osprofiler.Notification]bool{}
		}
		o.seen[n] = true
	}
	*list = append(*list, &n)
}

// pairs yields each start with the next stop of the same name. A start without such a stop
// gets the next remaining stop of any name.
func (o *operation) pairs() iter.Seq2[*osprofiler.Notification, *osprofiler.Notification] {
	return func(yield func(start, stop *osprofiler.Notification) bool) {
		partners, left := o.partners()
		for i, start := range o.starts {
			if partners[i] == nil && len(left) > 0 {
				partners[i], left = left[0], left[1:]
			}
			if !yield(start, partners[i]) {
				return
			}
		}
		for _, stop := range left {
			if !yield(nil, stop) {
				return
			}
		}
	}
}

// partners returns, for each start, the stop of the same name, in order. It also returns the
// remaining stops.
func (o *operation) partners() (partners, left []*osprofiler.Notification) {
	waiting := map[string][]int{} // name -> indices of its starts
	for i, start := range o.starts {
		waiting[start.Operation()] = append(waiting[start.Operation()], i)
	}
	partners = make([]*osprofiler.Notification, len(o.starts))
	for _, stop := range o.stops {
		queue := waiting[stop.Operation()]
		if len(queue) == 0 {
			left = append(left, stop)
			continue
		}
		partners[queue[0]] = stop
		waiting[stop.Operation()] = queue[1:]
	}
	return partners, left
}
