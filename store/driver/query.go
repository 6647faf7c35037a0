package driver

import (
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A Query selects traces. The zero Query selects all.
type Query struct {
	// Since and Until bound the time of the first event of a trace: at or after Since, before
	// Until. With ByFailure they bound the time of the first failure instead. A zero time is
	// no bound.
	Since, Until time.Time
	// Failed selects only traces in which something failed. Window, limit and order then use
	// the first failure instead of the first event, unless ByFirstEvent is set.
	Failed       bool
	ByFirstEvent bool
	// Service selects only traces whose first notification is from this service. Empty selects
	// all.
	Service string
	// MinDuration selects only traces that took at least this long, from the first to the last
	// event. 0 selects all, also traces without any time.
	MinDuration time.Duration
	// RequestID selects only traces in which a notification mentions this request id of
	// OpenStack, such as req-5ee5d602-20d7-4f3c-aa40-8eccd17dfb97: see [MentionsRequest].
	// Empty selects all. The Store checks it, so that no driver needs to: see [RequestFinder].
	RequestID string
	// Limit is the largest number of traces. The newest matching traces are selected. 0 means
	// no limit.
	Limit int
	// First requests the whole first notification in Summary.First.
	First bool
}

// Contains reports whether a time is in the window of the query. A zero time, for a trace
// without any time, is before all others.
func (q Query) Contains(t time.Time) bool {
	return (q.Since.IsZero() || !t.Before(q.Since)) && (q.Until.IsZero() || t.Before(q.Until))
}

// Matches reports whether the query selects the trace, apart from the limit and the request,
// which a Summary does not contain.
func (q Query) Matches(s *Summary) bool {
	return (!q.Failed || s.Failed) && (q.Service == "" || q.Service == s.Service) && q.Contains(q.Time(s)) && q.takesLongEnough(s)
}

// takesLongEnough reports whether the trace has the minimum duration of the query.
func (q Query) takesLongEnough(s *Summary) bool {
	if q.MinDuration <= 0 {
		return true
	}
	duration, ok := s.Duration()
	return ok && duration >= q.MinDuration
}

// ByFailure reports whether window, limit and order use the first failure of a trace, not its
// first event.
func (q Query) ByFailure() bool { return q.Failed && !q.ByFirstEvent }

// Time returns the time by which the query selects and orders the trace: the time of the first
// event, or of the first failure ([Query.ByFailure]). It is zero if there is none.
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
	// Timestamp and LastTimestamp are the timestamps of the first and the last event, as
	// stored. Events whose timestamp is no time count as the last. If no event has a time,
	// both are empty or any text.
	Timestamp, LastTimestamp string
	// Notifications is the number of notifications. Equal notifications that the place holds
	// several times may count each time.
	Notifications int
	// Operations is the number of different operations, counted by trace id as in a report.
	// Failures is the number of operations with a notification that failed. Equal
	// notifications count once here.
	Operations, Failures int
	// Name, Service and Project are from the first notification. Name is as stored, with
	// "-start" or "-stop".
	Name, Service, Project string
	// Failed reports that a notification of the trace failed ([osprofiler.Info.Failed]).
	// FirstFailure is the timestamp of the first notification that failed, as stored.
	Failed       bool
	FirstFailure string
	// First is the first notification if Query.First is set, else nil.
	First *osprofiler.Notification
}

// Time returns the time of the first event, or zero if there is none.
func (s *Summary) Time() time.Time { return timeOf(s.Timestamp) }

// LastTime returns the time of the last event, or zero if there is none.
func (s *Summary) LastTime() time.Time { return timeOf(s.LastTimestamp) }

// Duration returns the time from the first to the last event. ok is false if no event has a
// time.
func (s *Summary) Duration() (d time.Duration, ok bool) {
	first, last := s.Time(), s.LastTime()
	return last.Sub(first), !first.IsZero() && !last.IsZero()
}

// FirstFailureTime returns the time of the first failure, or zero if there is none.
func (s *Summary) FirstFailureTime() time.Time { return timeOf(s.FirstFailure) }

func timeOf(timestamp string) time.Time {
	t, _ := osprofiler.ParseTime(timestamp)
	return t
}
