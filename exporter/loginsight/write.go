package loginsight

import (
	"context"
	"errors"
	"fmt"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Write implements driver.Writer. nil means that the server has accepted all of the
// batch. It indexes events later, usually within seconds, and only then they can be
// read. The reference of the API does not say whether an event that was accepted is on
// disk. The error is a *store.WriteError that names the notifications that are not
// known to be accepted.
//
// A server has no way to store an event only once. A batch that is written again is
// stored twice. The Store drops the duplicates when it reads.
//
// A notification that is too large for a field is stored in the short form, behind
// its parts.
func (d *database) Write(ctx context.Context, batch []osprofiler.Notification) error {
	w := &writing{database: d, batch: batch, done: outcome.Of(batch)}
	for i := range batch {
		w.add(ctx, i)
	}
	w.flush(ctx)
	return w.done.Err()
}

// A writing is a call of Write.
type writing struct {
	*database
	batch []osprofiler.Notification
	done  *outcome.Outcome
	// events are the events of the next request, and text is their JSON.
	events []sentEvent
	text   []byte
	room   []byte // for one event
	trace  []byte // for the JSON of one notification
	// refused is the notification that was refused last, the events of which are not
	// sent any more; -1 for none.
	refused int
	// rejections are the refusals of single events of the request, and accepted is how
	// many events of the request the server took.
	rejections []rejection
	accepted   int
	// stopped is the reason why the server accepts no more of the batch now.
	stopped error
}

// A rejection is the refusal of a single event.
type rejection struct {
	index int // of the notification
	err   error
}

// A sentEvent is an event of a request.
type sentEvent struct {
	index      int // of the notification
	start, end int // in the text
}

// add adds the events of a notification to the request. It sends the request when
// it is full.
func (w *writing) add(ctx context.Context, index int) {
	n := &w.batch[index]
	w.refused = -1
	w.trace = appendTrace(w.trace[:0], n)
	trace := w.trace
	if needsShortForm(n, trace) {
		if len(trace) > mostOriginal {
			w.done.Refuse(fmt.Errorf("its JSON has %d bytes; at most %d can be stored", len(trace), mostOriginal), index)
			return
		}
		o := original{digest: digestOf(trace), bytes: len(trace)}
		for number := 0; number*partBytes < len(trace); number++ {
			w.room = appendPart(w.room[:0], o.digest, number, trace[number*partBytes:min(len(trace), (number+1)*partBytes)])
			w.put(ctx, index)
		}
		trace = appendShort(nil, n, o)
	}
	w.room = appendNotification(w.room[:0], n, trace)
	w.put(ctx, index)
}

// put adds the event in room to the request.
func (w *writing) put(ctx context.Context, index int) {
	if len(w.events) == maxEvents || len(eventsStart)+len(w.text)+len(separator)+len(w.room)+len(eventsEnd) > maxBody {
		w.flush(ctx)
	}
	switch {
	case w.stopped != nil:
		w.miss(w.stopped, []sentEvent{{index: index}})
		return
	case w.refused == index:
		return
	}
	if len(w.events) > 0 {
		w.text = append(w.text, separator...)
	}
	start := len(w.text)
	w.text = append(w.text, w.room...)
	w.events = append(w.events, sentEvent{index, start, len(w.text)})
}

const separator = ", "

// flush sends the request.
func (w *writing) flush(ctx context.Context) {
	w.rejections, w.accepted = w.rejections[:0], 0
	w.sendAll(ctx, w.events)
	w.settle()
	w.events, w.text = w.events[:0], w.text[:0]
}

// settle reports the notifications that were refused. A server that refuses several
// events one by one, for the same reason, and takes no other event, refuses ingestion
// and not these events.
func (w *writing) settle() {
	if w.accepted > 0 || !w.areEqual() {
		for _, r := range w.rejections {
			w.done.Refuse(r.err, r.index)
		}
		return
	}
	for _, r := range w.rejections {
		w.stopped = r.err
		w.miss(r.err, []sentEvent{{index: r.index}})
	}
}

// areEqual reports whether there are several rejections, all of the same text.
func (w *writing) areEqual() bool {
	for _, r := range w.rejections {
		if r.err.Error() != w.rejections[0].err.Error() {
			return false
		}
	}
	return len(w.rejections) > 1
}

// sendAll sends events in one request. If the server refuses the request for its
// content, or takes a part of the events only, the events are sent in two halves, so
// that only one is refused.
func (w *writing) sendAll(ctx context.Context, events []sentEvent) {
	switch {
	case len(events) == 0:
		return
	case w.stopped != nil:
		w.miss(w.stopped, events)
		return
	}
	body := make([]byte, 0, len(eventsStart)+events[len(events)-1].end-events[0].start+len(eventsEnd))
	body = append(append(body, eventsStart...), w.text[events[0].start:events[len(events)-1].end]...)
	err := w.client.explain(ctx, w.client.send(ctx, append(body, eventsEnd...), len(events)))
	switch {
	case err == nil:
		w.accepted += len(events)
	case !w.isDivisible(err):
		w.stopped = err
		w.miss(err, events)
	case len(events) == 1:
		w.rejections = append(w.rejections, rejection{events[0].index, err})
		w.refused = events[0].index
	default:
		half := len(events) / 2
		w.sendAll(ctx, events[:half])
		w.sendAll(ctx, w.without(events[half:]))
	}
}

// isDivisible reports whether a request that failed may succeed for a part of its events.
func (w *writing) isDivisible(err error) bool {
	var partial *partialError
	if errors.As(err, &partial) {
		w.accepted += max(partial.ingested, 0)
		return partial.ingested < partial.sent
	}
	var answer *APIError
	return errors.As(err, &answer) && answer.class() == serverstate.Row
}

// without returns the events that are not of the notification that was refused last.
// They stand at the beginning.
func (w *writing) without(events []sentEvent) []sentEvent {
	for len(events) > 0 && events[0].index == w.refused {
		events = events[1:]
	}
	return events
}

// miss adds the notifications of the events that are not known to be stored.
func (w *writing) miss(err error, events []sentEvent) {
	var transient *store.TransientError
	isTransient := errors.As(err, &transient)
	if isTransient {
		err = transient.Err
	}
	for _, e := range events {
		w.done.Miss(err, isTransient, e.index)
	}
}
