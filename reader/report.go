package reader

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A Report is one trace as a tree of operations with their times. All times in
// it are whole milliseconds since the first event, cut off as upstream does.
type Report struct {
	// BaseID is the trace's, empty where nothing says it (a saved report of
	// upstream's SQL driver holds none).
	BaseID string
	// Began is the time of the first event, zero where nothing says it.
	Began time.Time
	// Finished is the time of the last event, LastStarted that of the last one
	// that is no stop; nil where there is none.
	Finished, LastStarted *int64
	// Children are the operations that stand under no other, by their start.
	Children []*Node
	// Stats sum up the operations by name, in order of first appearance.
	Stats []Stat
	// Warnings name what was odd in the data, one sentence each.
	Warnings []string
	// Upstream tells that this is upstream's answer: it is written without
	// what upstream does not have, and its graph fails where upstream's does.
	// ParseReport cannot know and leaves it false; setting it asks for the
	// graph that the Python tool draws of a saved report.
	Upstream bool

	found []member // of a parsed report
}

// A Node is one operation of a trace: OpenTelemetry's span.
type Node struct {
	// Name is the operation's, without "-start" or "-stop"; in upstream's
	// answers it ends before the first hyphen.
	Name string
	// Project, Service and Host say where it ran. Empty: not known.
	Project, Service, Host string
	// TraceID is the operation's id, ParentID the id of the one around it; at
	// the top it is the trace's base id, as a rule.
	TraceID, ParentID string
	// Started and Finished are its times. Where one half is missing, both are
	// the other half's: see Incomplete. Where it has no readable time at all
	// they are 0 and Timed is false.
	Started, Finished int64
	Timed             bool
	// Begin and End are the same times since Report.Began as exactly as the
	// timestamps tell; Exact is false where only the whole milliseconds of a
	// saved report without timestamps do.
	Begin, End time.Duration
	Exact      bool
	// Incomplete says why there is no duration; empty: there is one.
	Incomplete Incomplete
	// Failed tells that a stop reported an error, and Exception its type. Of
	// an operation that stopped without one Exception is "None", as in
	// upstream's reports; without a stop it is empty.
	Failed    bool
	Exception string
	// Events are its notifications, in the order in which they arrived.
	Events []Event
	// Children are the operations under it, by their start.
	Children []*Node

	odd   []member // raw JSON of the fields that are no strings
	found []member // of a parsed report
}

// Incomplete says what an operation lacks for a duration.
type Incomplete string

// What an operation may lack. Upstream's reports do not tell.
const (
	Complete Incomplete = ""
	NoStart  Incomplete = "no start" // its start notification never came
	NoStop   Incomplete = "no stop"  // its stop notification never came: it hangs, or its process died
	NoTime   Incomplete = "no time"  // one of its timestamps could not be read
)

// An Event is one notification of an operation.
type Event struct {
	// Name is the notification's: the operation's with -start or -stop.
	Name string
	// Payload is the JSON text that the report holds of it: the whole
	// notification, or what upstream's driver keeps of it.
	Payload string
	// Nth is above 1 for the second and further of several different
	// notifications with one name.
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

// Info returns what the notification says of its event; empty where the
// payload has none.
func (e Event) Info() osprofiler.Info {
	raw, _ := pyjson.Get(e.Payload, "info")
	if pyjson.KindOf(raw) != pyjson.Object {
		return ""
	}
	return osprofiler.Info(raw)
}

// Half tells by the name which half of the operation this is.
func (e Event) Half() osprofiler.Half { return halfOf(e.Name) }

func halfOf(name string) osprofiler.Half {
	if strings.HasSuffix(name, "stop") {
		return osprofiler.Stop
	}
	return osprofiler.Start
}

// A Stat sums up the operations of one name.
type Stat struct {
	Name     string
	Count    int64
	Duration int64 // the sum of the known durations, in milliseconds
	// Incomplete counts those whose duration is not known. Upstream's answers
	// do not tell, and count them as 0.
	Incomplete int64
}

// A member is one member of a JSON object, its value raw.
type member struct{ key, raw string }

// Duration returns how long the operation took, in whole milliseconds: the
// difference of the cut-off times. It is not known (ok is false) of an
// incomplete operation. Where clocks disagree it may be negative.
func (n *Node) Duration() (ms int64, ok bool) {
	return n.Finished - n.Started, n.Timed && n.Incomplete == Complete
}

// Elapsed is Duration as exactly as it is known.
func (n *Node) Elapsed() (d time.Duration, ok bool) {
	_, ok = n.Duration()
	return n.End - n.Begin, ok
}

// Event returns the first notification of that half.
func (n *Node) Event(half osprofiler.Half) (e Event, ok bool) {
	for _, e := range n.Events {
		if e.Half() == half {
			return e, true
		}
	}
	return Event{}, false
}

// Nodes yields all operations with their depth (0 at the top), each before
// those under it, in the order of the tree. It needs no stack, however deep
// the tree is.
func (r *Report) Nodes() iter.Seq2[int, *Node] {
	return func(yield func(int, *Node) bool) {
		type place struct {
			nodes []*Node
			depth int
		}
		open := []place{{r.Children, 0}}
		for len(open) > 0 {
			top := &open[len(open)-1]
			if len(top.nodes) == 0 {
				open = open[:len(open)-1]
				continue
			}
			node, depth := top.nodes[0], top.depth
			top.nodes = top.nodes[1:]
			if !yield(depth, node) {
				return
			}
			open = append(open, place{node.Children, depth + 1})
		}
	}
}

// ServiceJSON returns the service as the report's JSON has it: a string, null
// where there is none, or whatever was stored instead; empty where a saved
// report says nothing.
func (n *Node) ServiceJSON() string {
	if raw, odd := n.raw(keyService); odd {
		return raw
	}
	if n.Service == "" {
		return "null"
	}
	return string(pyjson.AppendString(nil, n.Service))
}

// raw returns the JSON of a field that is no string.
func (n *Node) raw(key string) (raw string, ok bool) {
	for _, m := range n.odd {
		if m.key == key {
			return m.raw, true
		}
	}
	return "", false
}

func (n *Node) setRaw(key, raw string) {
	for i := range n.odd {
		if n.odd[i].key == key {
			n.odd[i].raw = raw
			return
		}
	}
	n.odd = append(n.odd, member{key, raw})
}
