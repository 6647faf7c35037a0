package store

import (
	"context"
	"errors"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// ofRequest returns the sequence of the traces of q.RequestID that match the rest of the
// query. A driver that can search lists these traces, or names candidates. Otherwise each
// trace that the rest of the query selects is read, until a notification mentions the request.
func (s *Store) ofRequest(lister driver.Lister, q Query) func(context.Context) iter.Seq2[Summary, error] {
	return func(ctx context.Context) iter.Seq2[Summary, error] {
		if l, ok := driver.As[driver.RequestLister](s.driver); ok {
			return matching(l.TracesWithRequest(ctx, q), q)
		}
		return func(yield func(Summary, error) bool) {
			if finder, ok := driver.As[driver.RequestFinder](s.driver); ok && s.found(ctx, finder, q, yield) {
				return
			}
			s.searched(ctx, lister, q, yield)
		}
	}
}

// found yields the traces that the driver finds. It returns false if the driver does
// not search.
func (s *Store) found(ctx context.Context, finder driver.RequestFinder, q Query, yield func(Summary, error) bool) bool {
	done := map[string]bool{}
	for baseID, err := range finder.TracesOfRequest(ctx, q) {
		id := driver.Text(baseID)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return false
		case err != nil:
			if !yield(Summary{}, err) || Ends(err) {
				return true
			}
		case !done[id]:
			done[id] = true
			if !s.yieldRequest(ctx, id, q, yield) {
				return true
			}
		}
	}
	return true
}

// yieldRequest yields the trace if it belongs to the request and matches the query. It returns
// false when the listing is over.
func (s *Store) yieldRequest(ctx context.Context, baseID string, q Query, yield func(Summary, error) bool) bool {
	var trace driver.Summarizer
	var first *osprofiler.Notification
	mentioned := false
	for n, err := range s.readTrace(ctx, baseID) {
		if err != nil {
			if !yield(Summary{}, err) || Ends(err) {
				return false
			}
			continue
		}
		mentioned = mentioned || driver.MentionsRequest(n.Info, q.RequestID)
		if trace.Add(&n) && q.First {
			first = &n
		}
	}
	if !mentioned {
		return true
	}
	summary := trace.Summary()
	summary.First = first
	return !q.Matches(&summary) || yield(summary, nil)
}

// searched yields the traces of the listing that belong to the request.
func (s *Store) searched(ctx context.Context, lister driver.Lister, q Query, yield func(Summary, error) bool) {
	rest := q
	rest.RequestID, rest.Limit = "", 0 // a driver that stops at a limit does not check the request
	for t, err := range matching(lister.Traces(ctx, rest), rest) {
		ofRequest := err != nil
		if err == nil {
			ofRequest, err = s.mentions(ctx, t.BaseID, q.RequestID)
		}
		if (ofRequest || err != nil) && !yield(t, err) || Ends(err) {
			return
		}
	}
}

// mentions reads the trace until a notification mentions the request. An error about one
// notification is returned only if no other notification mentions the request.
func (s *Store) mentions(ctx context.Context, baseID, requestID string) (mentioned bool, err error) {
	var damage error
	for n, err := range s.readTrace(ctx, driver.Text(baseID)) {
		switch {
		case Ends(err):
			return false, err
		case err != nil:
			damage = err
		case driver.MentionsRequest(n.Info, requestID):
			return true, nil
		}
	}
	return false, damage
}

// readTrace yields the notifications of a trace. The base id is a [driver.Text].
func (s *Store) readTrace(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		r := reading{asked: baseID}
		for n, err := range s.entries(baseID)(ctx) {
			if ended := ctx.Err(); ended != nil {
				yield(osprofiler.Notification{}, ended)
				return
			}
			if r.wants(&n, err) && !yield(n, err) || Ends(err) {
				return
			}
		}
	}
}
