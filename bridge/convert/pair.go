package convert

import (
	"iter"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// Spans pairs the notifications of one trace and yields their spans in the
// order of each operation's first notification. Starts and stops belong
// together by trace_id, whatever their order; equal notifications are taken
// once; a half without its other half becomes a span marked by [MissingKey].
// Of several operations with one trace_id each becomes a span.
//
// All notifications are read first; an error of theirs is passed on, and only
// the errors that do not end the sequence leave its spans whole.
func (c *Converter) Spans(notifications iter.Seq2[osprofiler.Notification, error]) iter.Seq2[sdktrace.ReadOnlySpan, error] {
	return func(yield func(sdktrace.ReadOnlySpan, error) bool) {
		var order []opKey
		ops := map[opKey]*halves{}
		for n, err := range notifications {
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			key := opKey{n.BaseID, n.TraceID}
			op := ops[key]
			if op == nil {
				op = &halves{}
				ops[key] = op
				order = append(order, key)
			}
			op.add(n)
		}
		for _, key := range order {
			for start, stop := range ops[key].pairs() {
				if !yield(c.SpanOf(start, stop), nil) {
					return
				}
			}
		}
	}
}

// opKey is what the halves of an operation have in common.
type opKey struct{ baseID, traceID string }

// halves are all the notifications of one trace_id.
type halves struct {
	starts, stops []*osprofiler.Notification
	seen          map[osprofiler.Notification]bool // of long lists
}

// longList is where looking for equal notifications one by one ends, so that
// a store full of one id is no trap; behind it, only those count as equal that
// were written alike to the letter.
const longList = 32

func (h *halves) add(n osprofiler.Notification) {
	list := &h.starts
	if n.Half() == osprofiler.Stop {
		list = &h.stops
	}
	if len(*list) < longList {
		for _, other := range *list {
			if other.Equal(n) {
				return
			}
		}
	} else {
		if h.seen[n] {
			return
		}
		if h.seen == nil {
			h.seen = map[osprofiler.Notification]bool{}
		}
		h.seen[n] = true
	}
	*list = append(*list, &n)
}

// pairs gives each start the next stop of the same operation, then, of what
// is left, each start the next stop of any.
func (h *halves) pairs() iter.Seq2[*osprofiler.Notification, *osprofiler.Notification] {
	return func(yield func(start, stop *osprofiler.Notification) bool) {
		partners, left := h.partners()
		for i, start := range h.starts {
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

// partners finds for each start the stop of the same operation, in order, and
// returns the stops that no start took.
func (h *halves) partners() (partners, left []*osprofiler.Notification) {
	waiting := map[string][]int{} // operation -> its starts
	for i, start := range h.starts {
		waiting[start.Operation()] = append(waiting[start.Operation()], i)
	}
	partners = make([]*osprofiler.Notification, len(h.starts))
	for _, stop := range h.stops {
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
