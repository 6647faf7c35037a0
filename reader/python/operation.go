package python

import (
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// An operation is a node to which events are still added. The last of several starts applies,
// and the last of several stops.
type operation struct {
	node             reader.Node
	parentID         string // the raw parent_id, empty for a plain text
	parent           *operation
	started, stopped time.Time
	hasStart         bool
	hasStop          bool
	events           map[string]int // the event of each name, once there are many
}

// identify sets the fields of the node that come from the operation's first notification.
func (op *operation) identify(n *osprofiler.Notification, members map[string]string, host string) {
	node := &op.node
	node.Name, _, _ = strings.Cut(n.Name, "-")
	node.Project, node.Service = n.Project, n.Service
	node.TraceID, node.ParentID = n.TraceID, n.ParentID
	node.SetFieldJSON(keyHost, host)
	if members == nil {
		if n.TraceID == "" {
			node.SetFieldJSON(keyTraceID, `""`)
		}
		if n.ParentID == "" {
			op.parentID = "null"
		}
		return
	}
	for key, raw := range members {
		node.SetFieldJSON(key, raw) // no effect for members that are not fields
	}
	op.parentID = members[keyParentID]
}

// setEvent adds an event. It replaces an event of the same name.
func (op *operation) setEvent(e reader.Event) {
	const few = 16 // events that are compared one by one
	n := &op.node
	i := -1
	if op.events == nil {
		i = slices.IndexFunc(n.Events, func(o reader.Event) bool { return o.Name == e.Name })
	} else if index, ok := op.events[e.Name]; ok {
		i = index
	}
	if i >= 0 {
		n.Events[i].Payload = e.Payload
		return
	}
	n.Events = append(n.Events, e)
	switch {
	case op.events != nil:
		op.events[e.Name] = len(n.Events) - 1
	case len(n.Events) > few:
		op.events = make(map[string]int, 2*few)
		for i, e := range n.Events {
			op.events[e.Name] = i
		}
	}
}

// setTimes sets the times of the node. If one half is missing, both are the time of the
// other.
func (op *operation) setTimes(first time.Time) {
	n := &op.node
	switch {
	case !op.hasStop:
		n.Incomplete, op.stopped = reader.NoStop, op.started
	case !op.hasStart:
		n.Incomplete, op.started = reader.NoStart, op.stopped
	}
	n.Started, n.Finished, n.Timed = milliseconds(first, op.started), milliseconds(first, op.stopped), true
	n.Begin, n.End, n.Exact = op.started.Sub(first), op.stopped.Sub(first), true
}
