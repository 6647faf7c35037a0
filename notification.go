package osprofiler

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A Notification is one event of an operation: that it started or that it
// stopped. It is what OSProfiler's notifiers send and its drivers store.
//
// The strings hold what the stored JSON says. Where that is no string, they
// hold the number's digits or the JSON text, and nothing for null or a missing
// member; a notification that was parsed writes such a member back as it was
// found, as long as the field is not changed.
//
// A Notification is a value: copy it freely, compare it with [Notification.Equal].
type Notification struct {
	// Name is the operation's name with "-start" or "-stop" behind it.
	Name string
	// BaseID names the trace, TraceID the operation (OTel's span), ParentID
	// the operation around it; directly under the trace ParentID is BaseID.
	// Generated ids are lower-case dashed UUIDs, but any text is an id.
	BaseID, TraceID, ParentID string
	// Timestamp is UTC as [FormatTime] writes it, or whatever was found.
	Timestamp string
	// Info is what is known of the event, as the text of a JSON object.
	Info Info
	// Project and Service say who sent it. Empty is written as null.
	Project, Service string

	raw string // the text this was parsed from: one valid JSON object on one line
	odd bool   // raw says more than the fields do: see Plain
}

// The keys of a notification, in the order in which Python's drivers write them.
const (
	keyName      = "name"
	keyBaseID    = "base_id"
	keyTraceID   = "trace_id"
	keyParentID  = "parent_id"
	keyTimestamp = "timestamp"
	keyInfo      = "info"
	keyProject   = "project"
	keyService   = "service"
)

// ParseNotification reads a notification from its JSON text. It takes all that
// Python's json module takes, and more of what a notification should be than
// it should: members may be missing, unknown, repeated (the last counts) or of
// another type. Bytes that are no UTF-8 are read as U+FFFD.
//
// The error is a clear sentence; with [*SyntaxError] in its chain the text is no JSON.
func ParseNotification(text string) (Notification, error) {
	if pyjson.Printable(text) {
		if n, ok := parseLaidOut(text); ok {
			return n, nil
		}
	} else if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	raw, err := pyjson.One(text)
	if err != nil {
		return Notification{}, fmt.Errorf("a notification should be a JSON object: %w", err)
	}
	if pyjson.KindOf(raw) != pyjson.Object {
		return Notification{}, fmt.Errorf("a notification should be a JSON object, not %s", abbreviate(raw))
	}
	if strings.IndexByte(raw, '\n') >= 0 || strings.IndexByte(raw, '\r') >= 0 { // between tokens only; strings hold them escaped
		raw = strings.NewReplacer("\n", " ", "\r", " ").Replace(raw)
	}
	n := Notification{raw: raw}
	members, exact := 0, 0
	for key, value := range pyjson.Members(raw) {
		members++
		if n.set(key, value) {
			exact |= 1 << canonical(key)
		}
	}
	n.odd = members != len(canonicalKeys) || exact != 1<<len(canonicalKeys)-1
	return n, nil
}

// set takes one parsed member over and tells whether its field says it exactly.
func (n *Notification) set(key, value string) bool {
	if key == keyInfo {
		n.Info = Info(value)
		return pyjson.KindOf(value) == pyjson.Object
	}
	field := n.field(key)
	if field == nil {
		return false
	}
	*field = textOf(value)
	if *field == "" {
		nullable := key == keyParentID || key == keyProject || key == keyService
		return nullable == (value == "null")
	}
	return value[0] == '"'
}

// Plain tells whether the fields say all there is: a notification made of
// nothing but the same fields is written as the same JSON value. One that was
// parsed is not plain if members are missing, unknown or of an unusual type.
func (n *Notification) Plain() bool { return !n.odd }

// Size returns the bytes of text that the notification refers to: all fields,
// and what it was parsed from. Fields of a parsed one mostly are parts of that
// text, so keeping it costs no more than Size, and often half.
func (n *Notification) Size() int {
	return len(n.Name) + len(n.BaseID) + len(n.TraceID) + len(n.ParentID) + len(n.Timestamp) +
		len(n.Info) + len(n.Project) + len(n.Service) + len(n.raw)
}

// SyntaxError says at which byte a text stopped being JSON, and why.
type SyntaxError = pyjson.SyntaxError

// abbreviate quotes the beginning of a text for an error message.
func abbreviate(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// field returns the string field of that key; nil for info and unknown keys.
func (n *Notification) field(key string) *string {
	switch key {
	case keyName:
		return &n.Name
	case keyBaseID:
		return &n.BaseID
	case keyTraceID:
		return &n.TraceID
	case keyParentID:
		return &n.ParentID
	case keyTimestamp:
		return &n.Timestamp
	case keyProject:
		return &n.Project
	case keyService:
		return &n.Service
	}
	return nil
}

// textOf gives the text that stands for a raw value of any type.
func textOf(raw string) string {
	switch pyjson.KindOf(raw) {
	case pyjson.String:
		return pyjson.Unquote(raw)
	case pyjson.Null:
		return ""
	default:
		return raw
	}
}

// AppendJSON appends the notification as one line of JSON, without the line's
// end: as Python's json.dumps writes it, or, if it was parsed, as it was found,
// with the fields that were changed since. Info must be valid: see [Notification.Validate].
func (n *Notification) AppendJSON(dst []byte) []byte {
	if n.raw == "" {
		return n.appendFields(dst)
	}
	if n.unchanged() {
		return append(dst, n.raw...)
	}
	return n.appendChanged(dst)
}

func (n *Notification) appendFields(dst []byte) []byte {
	dst = pyjson.AppendString(append(dst, `{"name": `...), n.Name)
	dst = pyjson.AppendString(append(dst, `, "base_id": `...), n.BaseID)
	dst = pyjson.AppendString(append(dst, `, "trace_id": `...), n.TraceID)
	dst = appendOrNull(append(dst, `, "parent_id": `...), n.ParentID)
	dst = pyjson.AppendString(append(dst, `, "timestamp": `...), n.Timestamp)
	dst = append(append(dst, `, "info": `...), n.Info.text()...)
	dst = appendOrNull(append(dst, `, "project": `...), n.Project)
	dst = appendOrNull(append(dst, `, "service": `...), n.Service)
	return append(dst, '}')
}

func appendOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return pyjson.AppendString(dst, s)
}

// found reads the parsed text again.
func (n *Notification) found() Notification {
	found, _ := ParseNotification(n.raw)
	return found
}

func (n *Notification) unchanged() bool { return n.laidOut() || *n == n.found() }

// appendChanged writes a parsed notification whose fields were changed.
func (n *Notification) appendChanged(dst []byte) []byte {
	found := n.found()
	var seen [8]bool // by place in canonical
	dst = append(dst, '{')
	empty := true
	member := func(key string) {
		if !empty {
			dst = append(dst, ", "...)
		}
		empty = false
		dst = append(pyjson.AppendString(dst, key), ": "...)
	}
	changed := func(key string) bool {
		if key == keyInfo {
			return n.Info != found.Info
		}
		return *n.field(key) != *found.field(key)
	}
	write := func(key string) {
		member(key)
		switch key {
		case keyInfo:
			dst = append(dst, n.Info.text()...)
		case keyParentID, keyProject, keyService:
			dst = appendOrNull(dst, *n.field(key))
		default:
			dst = pyjson.AppendString(dst, *n.field(key))
		}
	}
	for key, value := range pyjson.Members(n.raw) {
		if i := canonical(key); i >= 0 {
			if changed(key) {
				if !seen[i] {
					write(key)
				}
				seen[i] = true
				continue
			}
			seen[i] = true
		}
		member(key)
		dst = append(dst, value...)
	}
	for i, key := range canonicalKeys {
		if !seen[i] && changed(key) {
			write(key)
		}
	}
	return append(dst, '}')
}

var canonicalKeys = [...]string{
	keyName, keyBaseID, keyTraceID, keyParentID, keyTimestamp, keyInfo, keyProject, keyService,
}

func canonical(key string) int {
	for i, k := range canonicalKeys {
		if k == key {
			return i
		}
	}
	return -1
}

// JSON returns the notification as AppendJSON writes it.
func (n Notification) JSON() string {
	switch {
	case n.raw == "":
		room := rooms.Get().(*[]byte)
		defer rooms.Put(room)
		*room = n.appendFields((*room)[:0])
		return string(*room)
	case n.unchanged():
		return n.raw
	}
	return string(n.appendChanged(nil))
}

// rooms are what JSON writes into.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// MarshalJSON implements [encoding/json.Marshaler], for notifications whose
// JSON encoding/json can hold: it refuses NaN and Infinity.
func (n Notification) MarshalJSON() ([]byte, error) { return n.AppendJSON(nil), nil }

// UnmarshalJSON implements [encoding/json.Unmarshaler] by [ParseNotification].
func (n *Notification) UnmarshalJSON(text []byte) (err error) {
	*n, err = ParseNotification(string(text))
	return err
}

// Member returns the raw JSON value of any top-level member, known or not, as
// AppendJSON would write it; ok is false where there is none.
func (n Notification) Member(key string) (raw string, ok bool) {
	if n.Plain() && canonical(key) < 0 {
		return "", false
	}
	return pyjson.Get(n.JSON(), key)
}

// Validate returns an error if Info is no JSON object, so that writing it
// would spoil more than itself. Parsed notifications are written as they are.
func (n *Notification) Validate() error {
	if n.raw != "" && (n.laidOut() || n.Info == n.found().Info) {
		return nil
	}
	if err := n.Info.Validate(); err != nil {
		return fmt.Errorf("notification %s of %s: %w", abbreviate(n.Name), abbreviate(n.BaseID), err)
	}
	return nil
}

// Equal tells whether both are the same JSON value.
func (n Notification) Equal(other Notification) bool {
	return n == other || pyjson.Equal(n.JSON(), other.JSON())
}

// Time returns the time that Timestamp tells, read by [ParseTime].
func (n *Notification) Time() (time.Time, error) { return ParseTime(n.Timestamp) }

// Half says which end of its operation a notification tells of.
type Half uint8

// The halves of an operation.
const (
	Start Half = iota
	Stop
)

// String returns "start" or "stop".
func (h Half) String() string {
	if h == Stop {
		return "stop"
	}
	return "start"
}

// Half tells by the name alone, as upstream's reports do: what ends in "stop"
// is a stop, all else a start.
func (n *Notification) Half() Half {
	if strings.HasSuffix(n.Name, "stop") {
		return Stop
	}
	return Start
}

// Operation returns the operation's name: Name without the "-start" or "-stop"
// at its end. Nothing else is cut off.
func (n *Notification) Operation() string {
	if name, ok := strings.CutSuffix(n.Name, "-start"); ok {
		return name
	}
	return strings.TrimSuffix(n.Name, "-stop")
}
