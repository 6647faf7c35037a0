package reader

import (
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A Node is one operation of a trace. In OpenTelemetry it is a span.
type Node struct {
	// Name is the operation's name, without "-start" or "-stop". In Python's
	// answer it ends before the first hyphen.
	Name string
	// Project, Service and Host are where the operation ran. They are empty if they are not
	// known.
	Project, Service, Host string
	// TraceID is the operation's id. ParentID is the id of the parent; at the
	// top it usually is the trace's base id.
	TraceID, ParentID string
	// Started and Finished are the operation's times. If one half is missing,
	// both are the time of the other half (see Incomplete). If no timestamp can
	// be read, both are 0 and Timed is false.
	Started, Finished int64
	Timed             bool
	// Begin and End are the same times since Report.Began, in full precision.
	// Exact is false if only the whole milliseconds are known, as in a saved
	// report without timestamps.
	Begin, End time.Duration
	Exact      bool
	// Incomplete is the reason why the duration is not known. It is empty if it is known.
	Incomplete Incomplete
	// Failed is true if a stop reported an error. Exception is the error's type. It is "None"
	// if the operation stopped without an error, as in the Python library's reports, and
	// empty without a stop.
	Failed    bool
	Exception string
	// Events are the operation's notifications, in the order of arrival.
	Events []Event
	// Children are the operations whose parent this is, by their start.
	Children []*Node

	odd   []member // fields whose text does not represent their JSON
	saved []member // the members of the node in a saved report
}

// Incomplete names what an operation lacks to have a duration.
type Incomplete string

// The values of Node.Incomplete. The JSON of Python's answer does not have them.
const (
	Complete Incomplete = ""
	NoStart  Incomplete = "no start" // the start notification is missing
	NoStop   Incomplete = "no stop"  // the stop notification is missing: the operation hangs, or its process died
	NoTime   Incomplete = "no time"  // a timestamp cannot be read
)

// Duration returns how long the operation took, in whole milliseconds: the
// difference of the rounded times. It is not known (ok is false) if the
// operation is incomplete. It is negative if clocks disagree.
func (n *Node) Duration() (ms int64, ok bool) {
	return n.Finished - n.Started, n.Timed && n.Incomplete == Complete
}

// Elapsed is Duration in full precision.
func (n *Node) Elapsed() (d time.Duration, ok bool) {
	_, ok = n.Duration()
	return n.End - n.Begin, ok
}

// Event returns the first notification of the given half.
func (n *Node) Event(half osprofiler.Half) (e Event, ok bool) {
	for _, e := range n.Events {
		if e.Half() == half {
			return e, true
		}
	}
	return Event{}, false
}

// An Event is one notification of an operation.
type Event struct {
	// Name is the notification's name: the operation's name with -start or -stop.
	Name string
	// Payload is the notification's JSON text in the report. It is the whole notification, or
	// in Python's answer the object that Python's driver returns.
	Payload string
	// Nth is above 1 for all but the first of several different notifications with one name.
	Nth int
}

// Key returns the event's key in the node's info.
func (e Event) Key() string {
	if e.Nth > 1 {
		return payloadKey + e.Name + "#" + strconv.Itoa(e.Nth)
	}
	return payloadKey + e.Name
}

const payloadKey = "meta.raw_payload."

// Info returns the notification's info. It is empty if the payload has none.
func (e Event) Info() osprofiler.Info {
	raw, _ := pyjson.Get(e.Payload, "info")
	if pyjson.KindOf(raw) != pyjson.Object {
		return ""
	}
	return osprofiler.Info(raw)
}

// Half returns which half of the operation the event is, by its name.
func (e Event) Half() osprofiler.Half {
	if strings.HasSuffix(e.Name, "stop") {
		return osprofiler.Stop
	}
	return osprofiler.Start
}
