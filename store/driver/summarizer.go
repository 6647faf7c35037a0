package driver

import (
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A Summarizer makes the [Summary] of one trace from its notifications, which may come in any
// order. It copies the values that it needs, so that it keeps no notification in memory. It
// keeps eight bytes for each operation, so that each operation counts once. The zero
// Summarizer is empty.
type Summarizer struct {
	baseID                 []byte
	first, last, failure   event
	name, service, project []byte // of the first event
	notifications          int
	operations             Operations
}

// Add adds a notification of the trace. It reports whether this notification is the earliest
// of those added so far, so that the caller can keep the notification or remember where it is.
func (s *Summarizer) Add(n *osprofiler.Notification) (first bool) {
	if s.notifications++; s.notifications == 1 {
		s.baseID = append(s.baseID[:0], Text(n.BaseID)...)
	}
	at, _ := n.Time()
	if first = s.first.isAfter(at, n.Timestamp); first {
		s.first.set(at, n.Timestamp)
		s.name = append(s.name[:0], n.Name...)
		s.service = append(s.service[:0], n.Service...)
		s.project = append(s.project[:0], n.Project...)
	}
	if s.last.isBefore(at, n.Timestamp) {
		s.last.set(at, n.Timestamp)
	}
	failed := mayFail(n.Info) && n.Info.Failed()
	if failed && s.failure.isAfter(at, n.Timestamp) {
		s.failure.set(at, n.Timestamp)
	}
	s.operations.Add(n, failed)
	return first
}

// Len returns the number of notifications that were added.
func (s *Summarizer) Len() int { return s.notifications }

// Reset removes all notifications, so that the Summarizer can be used for
// another trace.
func (s *Summarizer) Reset() {
	s.operations.Reset()
	*s = Summarizer{
		operations: s.operations,
		baseID:     s.baseID[:0], name: s.name[:0], service: s.service[:0], project: s.project[:0],
		first: event{text: s.first.text[:0]}, last: event{text: s.last.text[:0]}, failure: event{text: s.failure.text[:0]},
	}
}

// Summary returns the summary of the notifications that were added.
func (s *Summarizer) Summary() Summary {
	operations, failures := s.operations.Count()
	return Summary{
		BaseID:    string(s.baseID),
		Timestamp: string(s.first.text), LastTimestamp: string(s.last.text),
		Notifications: s.notifications, Operations: operations, Failures: failures,
		Name: string(s.name), Service: string(s.service), Project: string(s.project),
		Failed: failures > 0, FirstFailure: string(s.failure.text),
	}
}

// mayFail reports whether an info may describe a failure, because it contains the word etype
// or an escape that may hide the word.
func mayFail(info osprofiler.Info) bool {
	return strings.Contains(string(info), "etype") || strings.IndexByte(string(info), '\\') >= 0
}

// An event is the time of a notification, and its text.
type event struct {
	known bool
	at    time.Time // zero if the text is no time
	text  []byte
}

func (e *event) set(at time.Time, text string) {
	e.known, e.at, e.text = true, at, append(e.text[:0], text...)
}

// isAfter reports whether the event is later than an event with that time and text, or is not
// set. An event without a time counts as later than any event with a time. Events without a
// time are ordered by their texts, with the empty one last.
func (e *event) isAfter(at time.Time, text string) bool {
	switch {
	case !e.known:
		return true
	case e.at.IsZero() != at.IsZero():
		return e.at.IsZero()
	case !at.IsZero():
		return at.Before(e.at)
	default:
		return text != "" && (len(e.text) == 0 || text < string(e.text))
	}
}

// isBefore reports whether the event is earlier than an event with that time and text, or is
// not set. An event without a time counts as earlier than any event with a time. Events
// without a time are ordered by their texts, so that the last event does not depend on the
// order in which a store is read.
func (e *event) isBefore(at time.Time, text string) bool {
	switch {
	case !e.known:
		return true
	case at.Equal(e.at):
		return at.IsZero() && text > string(e.text)
	default:
		return at.After(e.at)
	}
}
