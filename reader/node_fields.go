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

// neededKeys are the members that a notification should have.
var neededKeys = [...]string{keyTraceID, keyParentID, keyName, keyProject, keyService, keyInfo, keyTimestamp}

// neededMembers has the raw values of neededKeys. A missing member is empty.
type neededMembers [len(neededKeys)]string

func neededMembersOf(payload string) *neededMembers {
	members := new(neededMembers)
	for key, raw := range pyjson.Members(payload) {
		if i := slices.Index(neededKeys[:], key); i >= 0 {
			members[i] = raw
		}
	}
	return members
}

// identify gives the node the ids, the project and the service of a
// notification. members is nil if the notification is plain.
func (n *Node) identify(from *osprofiler.Notification, members *neededMembers) {
	n.TraceID, n.ParentID = from.TraceID, from.ParentID
	n.Project, n.Service = from.Project, from.Service
	if members == nil && from.TraceID != "" && n.odd == nil {
		return
	}
	for i, key := range neededKeys {
		switch key {
		case keyTraceID, keyParentID, keyProject, keyService:
			n.removeOdd(key)
			if members != nil && members[i] != "" && !isPlainText(members[i]) {
				n.setOdd(key, members[i])
			}
		}
	}
	if from.TraceID == "" && members == nil {
		n.setOdd(keyTraceID, `""`) // otherwise FieldJSON would return null
	}
}

// FieldJSON returns the value of a field of the node in the JSON of the report. The fields
// are "project", "service", "host", "trace_id", "parent_id" and "exception". Usually the
// value is the field as a string, or null if it is empty. It is any other JSON value if a
// notification has that value there. It is empty for any other key, and for the service if a
// saved report has none.
func (n *Node) FieldJSON(key string) string {
	if raw, ok := n.oddField(key); ok {
		return raw
	}
	switch text := n.field(key); {
	case text == nil:
		return ""
	case *text == "" && key != keyException:
		return "null"
	default:
		return string(pyjson.AppendString(nil, *text))
	}
}

// SetFieldJSON sets a field of the node to the text of a JSON value, and makes
// [Node.FieldJSON] return that value. An empty raw sets an empty text. For any other key it
// has no effect.
func (n *Node) SetFieldJSON(key, raw string) {
	text := n.field(key)
	if text == nil {
		return
	}
	*text = textOf(raw)
	n.removeOdd(key)
	if raw != "" && !isPlainText(raw) || raw == "null" && key == keyException {
		n.setOdd(key, raw)
	}
}

// field returns the field that FieldJSON returns for the key, or nil.
func (n *Node) field(key string) *string {
	switch key {
	case keyProject:
		return &n.Project
	case keyService:
		return &n.Service
	case keyHost:
		return &n.Host
	case keyTraceID:
		return &n.TraceID
	case keyParentID:
		return &n.ParentID
	case keyException:
		return &n.Exception
	}
	return nil
}

// setException sets the exception to the raw etype of a stop. It is "None" if
// the stop has no etype.
func (n *Node) setException(raw string, ok bool) {
	if !ok {
		raw = `"None"`
	}
	n.SetFieldJSON(keyException, raw)
}

// isPlainText reports whether the text of a raw value represents it fully: it is
// a string that is not empty, or null, which is the empty text.
func isPlainText(raw string) bool {
	return raw == "null" || pyjson.KindOf(raw) == pyjson.String && raw != `""`
}

// textOf returns the text of a raw value of any kind, as the fields of
// [osprofiler.Notification] have it. Arrays and objects are written compactly.
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

// oddField returns the JSON of a field whose text does not represent it.
func (n *Node) oddField(key string) (raw string, ok bool) {
	for _, m := range n.odd {
		if m.key == key {
			return m.raw, true
		}
	}
	return "", false
}

func (n *Node) setOdd(key, raw string) {
	for i := range n.odd {
		if n.odd[i].key == key {
			n.odd[i].raw = raw
			return
		}
	}
	n.odd = append(n.odd, member{key, raw})
}

func (n *Node) removeOdd(key string) {
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
