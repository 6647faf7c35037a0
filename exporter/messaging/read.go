package messaging

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Peek implements driver.Peeker.
func (m *messages) Peek(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		var others others
		lying, more := m.bus.Peek(ctx, m.peek)
		for message, err := range lying {
			if err != nil {
				if !yield(osprofiler.Notification{}, err) || store.Ends(err) {
					return
				}
				continue
			}
			n, err := m.decode(&message)
			if err != nil {
				others.add(message.Place, err)
				continue
			}
			if !yield(n, nil) {
				return
			}
		}
		if err := others.warning(m.Name()); err != nil && !yield(osprofiler.Notification{}, err) {
			return
		}
		if more() {
			yield(osprofiler.Notification{}, m.stopped())
		}
	}
}

// others counts the messages that are no notifications of OSProfiler.
type others struct {
	count   int
	foreign int    // messages of other programs
	place   string // of the first foreign message
	reason  error
}

func (o *others) add(place string, reason error) {
	if isForeign(reason) {
		o.foreign++
	}
	if o.count++; o.count == 1 {
		o.place, o.reason = place, reason
	}
}

// warning returns one error for all counted messages, or nil if there are none.
func (o *others) warning(bus string) error {
	switch o.count {
	case 0:
		return nil
	case 1:
		return left(o.place, o.reason)
	}
	return &store.DamageError{
		Foreign: o.foreign == o.count,
		Entry:   fmt.Sprintf("%s messages of %s that are no notifications of OSProfiler", humanize.Comma(int64(o.count)), bus),
		Reason:  fmt.Errorf("the first is %s: %w; they stay there", o.place, o.reason),
	}
}

// beyond describes the messages that a peek has not looked at. Kafka keeps messages that were
// read, so that a peek looks at the newest messages.
func (m *messages) beyond() string {
	if m.withEnvelope {
		return "in front of the newest " + humanize.Comma(int64(m.peek))
	}
	return "behind the first " + humanize.Comma(int64(m.peek))
}

// errPeeked is in the error chain of the warning that a peek did not look at everything.
var errPeeked = errors.New("the peek ended")

// stopped returns the warning that a peek did not look at everything.
func (m *messages) stopped() error {
	return &store.DamageError{
		More:   true,
		Entry:  fmt.Sprintf("the messages of %s %s", m.Name(), m.beyond()),
		Reason: peekError{m.peek},
	}
}

type peekError struct{ limit int }

// Error implements error.
func (p peekError) Error() string {
	return fmt.Sprintf("option osp_peek=%d of the connection string ends the search there; a larger number looks further", p.limit)
}

// Unwrap returns errPeeked.
func (p peekError) Unwrap() error { return errPeeked }

// Notifications implements driver.Reader. If idle_timeout is set, it waits for later
// notifications, as the Python library does: it peeks again until no new notification of the
// trace has come for that time.
func (m *messages) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		r := &traceReader{messages: m, baseID: baseID, yield: yield}
		for r.peek(ctx) && m.waits {
			select {
			case <-ctx.Done():
				return // the Store reports it
			case <-time.After(m.idleTimeout):
			}
		}
	}
}

// A traceReader reads one trace by repeated peeks.
type traceReader struct {
	messages *messages
	baseID   string
	yield    func(osprofiler.Notification, error) bool

	peeks int
	seen  map[string]bool // the notifications as JSON, if there are several peeks
}

// peek yields the new notifications. It returns false if the reading has ended: by an error,
// by the loop, or because the second or a later peek found nothing new.
func (r *traceReader) peek(ctx context.Context) (again bool) {
	r.peeks++
	found := len(r.seen)
	isNew := false
	for n, err := range r.messages.Peek(ctx) {
		switch {
		case err != nil:
			if !r.warn(err, found > 0 || isNew) {
				return false
			}
		case n.BaseID != r.baseID && driver.Text(n.BaseID) != r.baseID || r.isSeen(&n):
		default:
			isNew = true
			if !r.yield(n, nil) {
				return false
			}
		}
	}
	return r.peeks == 1 || isNew
}

// isSeen reports whether an earlier peek has found the notification. Equal notifications of
// the first peek are all yielded.
func (r *traceReader) isSeen(n *osprofiler.Notification) bool {
	if !r.messages.waits {
		return false
	}
	key := n.JSON()
	if r.peeks > 1 && r.seen[key] {
		return true
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	r.seen[key] = true
	return false
}

// warn yields an error of the first peek, or an error that ends the reading. It returns false
// if the reading ends.
func (r *traceReader) warn(err error, found bool) bool {
	stopped := errors.Is(err, errPeeked)
	if stopped && !found {
		err = r.messages.notFound(r.baseID)
	}
	if r.peeks > 1 && !stopped && !store.Ends(err) {
		return true
	}
	return r.yield(osprofiler.Notification{}, err) && !stopped && !store.Ends(err)
}

// notFound returns the error for a trace that is not among the messages a peek has looked at,
// if the bus has more messages.
func (m *messages) notFound(baseID string) error {
	which := "first"
	if m.withEnvelope {
		which = "newest"
	}
	return fmt.Errorf("%w: %q is not among the %s %s messages of %s, where the search ended; a larger option osp_peek=%d of the connection string looks further",
		store.ErrNotFound, baseID, which, humanize.Comma(int64(m.peek)), m.Name(), m.peek)
}

// Traces implements driver.Lister.
func (m *messages) Traces(ctx context.Context, q store.Query) iter.Seq2[store.Summary, error] {
	return m.list(ctx, q, func(*osprofiler.Notification) bool { return true })
}

// list lists the traces that have at least one wanted notification.
func (m *messages) list(ctx context.Context, q store.Query, isWanted func(*osprofiler.Notification) bool) iter.Seq2[store.Summary, error] {
	return func(yield func(store.Summary, error) bool) {
		var warnings []error
		byID := map[string]*listed{}
		var inOrder []*listed
		for n, err := range m.Peek(ctx) {
			if store.Ends(err) {
				yield(store.Summary{}, err)
				return
			}
			if err != nil {
				warnings = append(warnings, err)
				continue
			}
			id := driver.Text(n.BaseID)
			if byID[id] == nil {
				byID[id] = &listed{}
				inOrder = append(inOrder, byID[id])
			}
			byID[id].add(&n, q.First)
			byID[id].wanted = byID[id].wanted || isWanted(&n)
		}
		for _, trace := range inOrder {
			if trace.wanted && !yield(trace.summary(), nil) {
				return
			}
		}
		for _, err := range warnings {
			if !yield(store.Summary{}, err) {
				return
			}
		}
	}
}

// A listed is one trace of a listing.
type listed struct {
	summarizer driver.Summarizer
	first      *osprofiler.Notification // if the query asks for it
	wanted     bool
}

func (l *listed) add(n *osprofiler.Notification, withFirst bool) {
	if l.summarizer.Add(n) && withFirst {
		l.first = n
	}
}

func (l *listed) summary() store.Summary {
	s := l.summarizer.Summary()
	s.First = l.first
	return s
}
