package loginsight

import (
	"context"
	"errors"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// timeSlices reads events by slices of time, the newest first. A slice ends at a
// millisecond, the border. The next slice contains all events of the border again.
type timeSlices struct {
	client      *Client
	constraints []Constraint
	limit       int // of the next query
	tooMany     int // events that are too large for one answer; 0 if none were

	operator string // of the border: LE, or LT behind a millisecond that was skipped; "" before the first slice
	border   int64
	seen     map[eventKey]struct{} // the events at the border that were yielded
	lost     error                 // why events were skipped
	doubt    error                 // lost, if the next slice has any events
	done     bool
}

func newTimeSlices(c *Client, constraints []Constraint) *timeSlices {
	return &timeSlices{client: c, constraints: constraints, limit: MaxEvents}
}

// next returns the next page.
func (s *timeSlices) next(ctx context.Context) ([]Event, error) {
	q := Query{Constraints: s.constraints, Limit: s.limit}
	if s.operator != "" {
		q.Constraints = until(s.constraints, s.operator, s.border)
	}
	result, err := s.client.QueryEvents(ctx, q)
	switch {
	case errors.Is(err, ErrTooMuch) && s.limit > 1:
		s.tooMany = s.limit
		s.limit /= 2
		return nil, nil
	case err != nil:
		return nil, err
	}
	if len(result.Events) > 0 && s.doubt != nil {
		s.lost = s.doubt
	}
	s.doubt = nil
	fresh := s.fresh(result.Events)
	switch isFull := len(result.Events) >= s.limit; {
	case !result.Complete && (!isFull || result.timedOut): // a server may call an answer incomplete because of the limit
		return fresh, s.client.incomplete(result)
	case isFull:
		return fresh, s.advance(result.Events)
	case len(result.Events) >= leastCap && s.check(result.Events) == nil:
		s.goOn(result.Events, len(fresh) > 0)
		return fresh, nil
	}
	s.done = true
	return fresh, s.lost
}

// leastCap is the smallest number of events in an answer that a server may have cut below
// the limit of the query. The default limit of the API is 100.
const leastCap = 100

// goOn sets the border behind a page that is not full. A server may return fewer events
// than the limit and fewer than there are, so it is asked once more. If the border
// has no more events than the page before had, events of the border may be missing. If
// there are older events, events of the border are missing.
func (s *timeSlices) goOn(events []Event, hasFresh bool) {
	oldest := events[len(events)-1].Timestamp
	if hasFresh {
		s.moveTo(events, oldest)
		return
	}
	s.operator, s.border, s.seen = "LT", oldest, nil
	s.doubt = s.tooFull(len(events), oldest)
}

// fresh returns the events that were not yielded yet.
func (s *timeSlices) fresh(events []Event) []Event {
	if s.operator == "" {
		return events
	}
	fresh := make([]Event, 0, len(events))
	for i := range events {
		if !s.isInSlice(events[i].Timestamp) {
			continue
		}
		if events[i].Timestamp == s.border {
			if _, ok := s.seen[keyOf(&events[i])]; ok {
				continue
			}
		}
		fresh = append(fresh, events[i])
	}
	return fresh
}

// advance sets the border behind a full page. If the page covers only one millisecond,
// the next page is larger. If the page cannot be larger, the rest of the millisecond is
// skipped.
func (s *timeSlices) advance(events []Event) error {
	if err := s.check(events); err != nil {
		return err
	}
	oldest := events[len(events)-1].Timestamp
	isStuck := oldest == events[0].Timestamp
	switch larger := min(2*s.limit, MaxEvents); {
	case !isStuck:
	case larger > s.limit && (s.tooMany == 0 || larger < s.tooMany):
		s.limit = larger
	default:
		s.operator, s.border, s.seen = "LT", oldest, nil
		s.lost = s.tooFull(s.limit, oldest)
		return nil
	}
	s.moveTo(events, oldest)
	return nil
}

// check returns an error for a page behind which no border can be set.
func (s *timeSlices) check(events []Event) error {
	for i := 1; i < len(events); i++ {
		if events[i].Timestamp > events[i-1].Timestamp {
			return explained.New(errOrder, "%s does not give the newest events first, so that more than %d events cannot be read", s.client.server.Name, len(events))
		}
	}
	if s.operator != "" && !s.isInSlice(events[0].Timestamp) {
		return explained.New(errBorder, "%s gives events of %s to a query for those before %s, so that more than %d events cannot be read",
			s.client.server.Name, clock(events[0].Timestamp), clock(s.border), len(events))
	}
	return nil
}

// moveTo sets the border to the oldest events of a page.
func (s *timeSlices) moveTo(events []Event, oldest int64) {
	if s.operator == "" || oldest != s.border {
		s.seen = map[eventKey]struct{}{}
	}
	s.operator, s.border = "LE", oldest
	for i := range events {
		if events[i].Timestamp == oldest {
			s.seen[keyOf(&events[i])] = struct{}{}
		}
	}
}

// tooFull returns the error for a millisecond with more events than can be read.
func (s *timeSlices) tooFull(count int, at int64) error {
	return explained.New(errSlice, "%s has %d events or more of the millisecond %s, which no query can tell apart; the others of that millisecond are missing",
		s.client.server.Name, count, clock(at))
}

// isInSlice reports whether a query for the slice may find an event of this time.
func (s *timeSlices) isInSlice(at int64) bool {
	return at < s.border || at == s.border && s.operator == "LE"
}

// clock returns a timestamp as a text.
func clock(at int64) string { return time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000") }

var (
	errBorder = errors.New("events outside of the slice")
	errOrder  = errors.New("unordered events")
	errSlice  = errors.New("too many events at one time")
)
