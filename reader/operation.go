package reader

import (
	"cmp"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An operation is a node to which events are still added.
type operation struct {
	node             *Node
	started, stopped instant
	origin           origin
	exception        reportedException
	events           *eventIndex // nil while there are few events
	parent           int32       // an index, or none; not verified before findParents
	hasStart         bool
	hasStop          bool
	hasRepeatedName  bool // whether several events have the same name
}

const none = -1

// An origin is the event that gives a node its name, parent, project, service
// and host: the earliest start or, without a start, the earliest stop. The order
// in which the events arrive does not matter.
type origin struct {
	at      instant
	half    osprofiler.Half
	payload string
	info    osprofiler.Info
	host    string // as raw JSON, if there is a hostFunc
}

// isReplacedBy reports whether an event becomes the origin in place of o.
func (o *origin) isReplacedBy(half osprofiler.Half, at instant, payload string) bool {
	return cmp.Or(cmp.Compare(half, o.half), at.compare(o.at), cmp.Compare(payload, o.payload)) < 0
}

// A reportedException is the etype of a stop.
type reportedException struct {
	at  instant
	raw string
}

// isReplacedBy reports whether the etype of a stop applies instead of e.
func (e reportedException) isReplacedBy(at instant, raw string) bool {
	return cmp.Or(e.at.compare(at), cmp.Compare(e.raw, raw)) < 0
}

// addHalf processes the time of a half. The earliest of several starts applies, and the
// latest of several stops. A stop also has an exception. The exception of the latest failed
// stop applies, or of the latest stop if none failed.
func (op *operation) addHalf(half osprofiler.Half, at instant, info osprofiler.Info) {
	if half != osprofiler.Stop {
		op.hasStart = true
		op.started = earliest(op.started, at)
		return
	}
	raw, ok := info.Get(keyEtype)
	failed := ok && raw != "null"
	node := op.node
	if !op.hasStop || failed && !node.Failed || failed == node.Failed && op.exception.isReplacedBy(at, raw) {
		op.exception = reportedException{at, raw}
		node.Failed = failed
		node.setException(raw, ok)
	}
	op.hasStop = true
	op.stopped = latest(op.stopped, at)
}

// sortTime is the time by which siblings are sorted.
func (op *operation) sortTime() instant {
	if op.started.ok {
		return op.started
	}
	return op.stopped
}

// setTimes sets the times of the node. If one half is missing, both are the time of the
// other.
func (op *operation) setTimes(first instant) {
	started, stopped := op.sortTime(), op.stopped
	if !stopped.ok {
		stopped = started
	}
	n := op.node
	if n.Timed = started.ok; n.Timed {
		n.setTimes(started, stopped, first)
	}
	switch {
	case op.started.ok && op.stopped.ok:
	case !op.hasStop && n.Timed:
		n.Incomplete = NoStop
	case !op.hasStart && n.Timed:
		n.Incomplete = NoStart
	default:
		n.Incomplete = NoTime
	}
}

func (n *Node) setTimes(started, stopped, first instant) {
	n.Started, n.Finished = started.millisecondsSince(first), stopped.millisecondsSince(first)
	n.Begin, n.End, n.Exact = started.sub(first), stopped.sub(first), true
}

// fillIn takes from the other events the fields that the origin does not have.
func (op *operation) fillIn() {
	n := op.node
	if n.Project != "" && n.Service != "" && n.ParentID != "" && n.Host != "" {
		return
	}
	for _, i := range n.byTime() {
		for key, raw := range pyjson.Members(n.Events[i].Payload) {
			switch key {
			case keyProject, keyService, keyParentID:
				n.fillIn(key, raw)
			case keyInfo:
				host, _ := pyjson.Get(raw, keyHost)
				n.fillIn(keyHost, host)
			}
		}
	}
}

// fillIn sets an empty field to the text of raw, if raw is a string.
func (n *Node) fillIn(key, raw string) {
	field := n.field(key)
	if _, odd := n.oddField(key); *field == "" && !odd && pyjson.KindOf(raw) == pyjson.String {
		*field = pyjson.Unquote(raw)
	}
}
