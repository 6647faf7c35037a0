package reader

import (
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// The keys of notifications and reports.
const (
	keyName        = "name"
	keyProject     = "project"
	keyService     = "service"
	keyHost        = "host"
	keyTraceID     = "trace_id"
	keyParentID    = "parent_id"
	keyTimestamp   = "timestamp"
	keyInfo        = "info"
	keyLastStarted = "last_trace_started"
	keyStarted     = "started"
	keyFinished    = "finished"
	keyException   = "exception"
	keyEtype       = "etype"
	keyIncomplete  = "incomplete"
	keyChildren    = "children"
	keyStats       = "stats"
	keyCount       = "count"
	keyDuration    = "duration"
	keyWarnings    = "warnings"
)

// neededKeys are the members without which upstream raises KeyError, in the
// order in which it looks for them.
var neededKeys = [...]string{keyTraceID, keyParentID, keyName, keyProject, keyService, keyInfo, keyTimestamp}

// members holds the raw values of neededKeys; empty where there is none.
type members [len(neededKeys)]string

func membersOf(payload string) *members {
	found := new(members)
	for key, raw := range pyjson.Members(payload) {
		if i := slices.Index(neededKeys[:], key); i >= 0 {
			found[i] = raw
		}
	}
	return found
}

// get returns the value of one of neededKeys.
func (m *members) get(key string) string { return m[slices.Index(neededKeys[:], key)] }

// identify gives the node the ids, project and service of a notification.
// found is nil if the fields say all.
func (n *Node) identify(from *osprofiler.Notification, found *members) {
	n.TraceID, n.ParentID = from.TraceID, from.ParentID
	n.Project, n.Service = from.Project, from.Service
	for i, key := range neededKeys {
		switch key {
		case keyTraceID, keyParentID, keyProject, keyService:
			n.unsetRaw(key)
			if found != nil && found[i] != "" && !plainly(found[i]) {
				n.setRaw(key, found[i])
			}
		}
	}
	if from.TraceID == "" && found == nil {
		n.setRaw(keyTraceID, `""`) // null would be odd
	}
}

// setException takes the raw etype of a stop; where it has none, it is "None".
func (n *Node) setException(raw string, ok bool) {
	n.unsetRaw(keyException)
	switch {
	case !ok:
		n.Exception = "None"
	case pyjson.KindOf(raw) == pyjson.String:
		n.Exception = pyjson.Unquote(raw)
	default:
		n.Exception = textOf(raw)
		n.setRaw(keyException, raw)
	}
}

// plainly tells whether the text of a raw value says all: a string that is not
// empty, or null for the empty text.
func plainly(raw string) bool {
	return raw == "null" || pyjson.KindOf(raw) == pyjson.String && raw != `""`
}

// textOf gives the text that stands for a raw value of any kind, as in
// [osprofiler.Notification].
func textOf(raw string) string {
	switch pyjson.KindOf(raw) {
	case pyjson.String:
		return pyjson.Unquote(raw)
	case pyjson.Null:
		return ""
	case pyjson.Array, pyjson.Object:
		return string(pyjson.Compact.Append(nil, raw))
	default:
		return raw
	}
}

func (n *Node) unsetRaw(key string) {
	if n.odd != nil {
		n.odd = slices.DeleteFunc(n.odd, func(m member) bool { return m.key == key })
	}
}

// label names an operation in a warning.
func (n *Node) label() string {
	if n.TraceID == "" {
		return n.Name
	}
	return n.Name + " " + n.TraceID
}
