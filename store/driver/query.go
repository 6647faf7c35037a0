package driver

import (
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A Query says which traces are asked for. The zero Query asks for all.
type Query struct {
	// Since and Until bound the time of the first event of a trace, or, with
	// ByFailure, of its first failure: at or after Since, before Until. A zero
	// time does not bound.
	Since, Until time.Time
	// Failed asks only for traces in which something failed. Window, limit and
	// order then are about the first failure instead of the first event, unless
	// ByFirstEvent is set.
	Failed       bool
	ByFirstEvent bool
	// Service asks only for traces whose first notification is of this service.
	// Empty asks for all.
	Service string
	// MinDuration asks only for traces that took at least this long, from the
	// first to the last event. 0 asks for all, also for traces without any time.
	MinDuration time.Duration
	// RequestID asks only for traces in which a notification mentions this request id
	// of OpenStack, such as req-5ee5d602-20d7-4f3c-aa40-8eccd17dfb97: see
	// [MentionsRequest]. Empty asks for all. The Store checks it, so that no driver has
	// to: see [RequestFinder].
	RequestID string
	// Limit is how many traces are wanted, the newest of all that match.
	// 0 stands for all.
	Limit int
	// First asks for the whole first notification in Summary.First.
	First bool
}

// Contains reports whether a time lies in the window of the query. A zero time,
// of a trace without any time, lies before all others.
func (q Query) Contains(t time.Time) bool {
	return (q.Since.IsZero() || !t.Before(q.Since)) && (q.Until.IsZero() || t.Before(q.Until))
}

// Matches reports whether the query asks for the trace, apart from the limit and
// the request, which a Summary does not tell.
func (q Query) Matches(s *Summary) bool {
	return (!q.Failed || s.Failed) && (q.Service == "" || q.Service == s.Service) && q.Contains(q.Time(s)) && q.takesLongEnough(s)
}

// takesLongEnough reports whether the trace has the duration that the query asks
// for.
func (q Query) takesLongEnough(s *Summary) bool {
	if q.MinDuration <= 0 {
		return true
	}
	duration, ok := s.Duration()
	return ok && duration >= q.MinDuration
}

// ByFailure reports whether window, limit and order are about the first failure
// of a trace, not about its first event.
func (q Query) ByFailure() bool { return q.Failed && !q.ByFirstEvent }

// Time returns the time by which the query selects and orders the trace: of the
// first event, or of the first failure ([Query.ByFailure]). It is zero if there is
// none.
func (q Query) Time(s *Summary) time.Time {
	if q.ByFailure() {
		return timeOf(s.FirstFailure)
	}
	return timeOf(s.Timestamp)
}

// A Summary describes one trace of a listing.
type Summary struct {
	// BaseID names the trace.
	BaseID string
	// Timestamp and LastTimestamp are those of the first and the last event, as
	// they are stored. Events whose timestamp is no time count as the last; both
	// are empty, or any text, if no event has a time.
	Timestamp, LastTimestamp string
	// Notifications is how many there are. Equal notifications that the place
	// holds several times may count each time.
	Notifications int
	// Operations is the number of different operations, as a report counts them:
	// by trace id. Failures is how many of them have a notification that failed.
	// Equal notifications count once here.
	Operations, Failures int
	// Name, Service and Project are those of the first notification. Name is as
	// it is stored, with "-start" or "-stop".
	Name, Service, Project string
	// Failed tells that a notification of the trace failed
	// ([osprofiler.Info.Failed]), and FirstFailure is the timestamp of the first
	// that did, as it is stored.
	Failed       bool
	FirstFailure string
	// First is the first notification if Query.First asks for it, else nil.
	First *osprofiler.Notification
}

// Time returns the time of the first event, zero if there is none.
func (s *Summary) Time() time.Time { return timeOf(s.Timestamp) }

// LastTime returns the time of the last event, zero if there is none.
func (s *Summary) LastTime() time.Time { return timeOf(s.LastTimestamp) }

// Duration returns the time from the first to the last event. It is not known if
// no event has a time.
func (s *Summary) Duration() (d time.Duration, ok bool) {
	first, last := s.Time(), s.LastTime()
	return last.Sub(first), !first.IsZero() && !last.IsZero()
}

// FirstFailureTime returns the time of the first failure, zero if there is none.
func (s *Summary) FirstFailureTime() time.Time { return timeOf(s.FirstFailure) }

func timeOf(timestamp string) time.Time {
	t, _ := osprofiler.ParseTime(timestamp)
	return t
}
