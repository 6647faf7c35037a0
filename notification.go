package osprofiler

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A Notification is one event of an operation: its start or its stop. OSProfiler's notifiers
// send notifications, and its drivers store them.
//
// The string fields hold the values of the members of the stored JSON. If a member is not a
// string, its field holds the JSON text of the member. If a member is null or missing, its
// field is empty. A parsed notification writes such members back unchanged, unless their
// fields were changed.
//
// A Notification is a value: copy it freely, compare it with [Notification.Equal].
type Notification struct {
	// Name is the name of the operation, followed by "-start" or "-stop".
	Name string
	// BaseID names the trace. TraceID names the operation (OTel's span). ParentID names the
	// enclosing operation; directly under the trace it equals BaseID. Generated ids are
	// lower-case dashed UUIDs, but any text is an id.
	BaseID, TraceID, ParentID string
	// Timestamp is UTC as [FormatTime] writes it, or any other text that was stored.
	Timestamp string
	// Info describes the event.
	Info Info
	// Project and Service name the sender. Empty is written as null.
	Project, Service string

	raw string // the JSON text that the notification was parsed from or converted to: one valid object on one line
	// notPlain reports that raw has content that the fields do not have: see Plain.
	notPlain bool
}

// These are the keys of a notification, in the order in which Python's drivers write them.
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

// ParseNotification parses the JSON text of a notification. It is lenient: it accepts
// everything that Python's json module accepts. Members may be missing, unknown, repeated (the
// last one wins) or of an unexpected type. Bytes that are not UTF-8 are replaced by U+FFFD.
//
// If the text is not JSON, the error has a [*SyntaxError] in its chain.
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
	n.notPlain = members != len(canonicalKeys) || exact != 1<<len(canonicalKeys)-1
	return n, nil
}

// set sets the field of a member, and reports whether the field represents the member fully.
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

// Plain reports whether the fields represent the JSON fully, so that a notification with the
// same fields is written as the same JSON value. A parsed notification is not plain if a
// member is missing, unknown or of an unexpected type.
func (n *Notification) Plain() bool { return !n.notPlain }

// Size returns the number of bytes of text that the notification refers to: those of all
// fields and of the JSON text that it was parsed from. The fields usually share the bytes of
// that text, so the memory in use is between half of Size and Size. Notifications that package
// convert made share blocks of 16 KiB. A notification that outlives the others keeps its whole
// block in memory.
func (n *Notification) Size() int {
	return len(n.Name) + len(n.BaseID) + len(n.TraceID) + len(n.ParentID) + len(n.Timestamp) +
		len(n.Info) + len(n.Project) + len(n.Service) + len(n.raw)
}

// A SyntaxError says at which byte a text stops being JSON, and why.
type SyntaxError = pyjson.SyntaxError

// abbreviate quotes the first characters of a text for an error message.
func abbreviate(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// field returns the string field for a key, nil for info and unknown keys.
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

// textOf returns the text of a field for a raw JSON value of any type.
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

// AppendJSON appends the JSON of the notification to dst, on one line, without a line break at
// its end. It has the form of Python's json.dumps. A parsed notification keeps its own form,
// except for fields that were changed. Info must be valid: see [Notification.Validate].
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

// parsed returns the notification that results from parsing raw again.
func (n *Notification) parsed() Notification {
	parsed, _ := ParseNotification(n.raw)
	return parsed
}

func (n *Notification) unchanged() bool { return n.fieldsMatchRaw() || *n == n.parsed() }

// appendChanged writes a parsed notification whose fields were changed.
func (n *Notification) appendChanged(dst []byte) []byte {
	parsed := n.parsed()
	var seen [8]bool // by index in canonicalKeys
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
			return n.Info != parsed.Info
		}
		return *n.field(key) != *parsed.field(key)
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

// JSON returns the JSON of the notification, as [Notification.AppendJSON] writes it.
func (n Notification) JSON() string {
	switch {
	case n.raw == "":
		buffer := buffers.Get().(*[]byte)
		defer buffers.Put(buffer)
		*buffer = n.appendFields((*buffer)[:0])
		return string(*buffer)
	case n.unchanged():
		return n.raw
	}
	return string(n.appendChanged(nil))
}

// buffers holds buffers for JSON.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// MarshalJSON implements [encoding/json.Marshaler]. Package encoding/json refuses
// a notification with NaN or Infinity.
func (n Notification) MarshalJSON() ([]byte, error) { return n.AppendJSON(nil), nil }

// UnmarshalJSON implements [encoding/json.Unmarshaler] by [ParseNotification].
func (n *Notification) UnmarshalJSON(text []byte) (err error) {
	*n, err = ParseNotification(string(text))
	return err
}

// Member returns the raw JSON value of a top-level member with any key, as
// AppendJSON writes it. ok is false if there is none.
func (n Notification) Member(key string) (raw string, ok bool) {
	if n.Plain() && canonical(key) < 0 {
		return "", false
	}
	return pyjson.Get(n.JSON(), key)
}

// Validate returns an error if Info is not a JSON object, because writing it would also damage
// the rest of the output. The Info of a notification that was parsed, or that package convert
// made, is not read again unless it was changed.
func (n *Notification) Validate() error {
	if n.raw != "" && (n.fieldsMatchRaw() || n.Info == n.parsed().Info) {
		return nil
	}
	if err := n.Info.Validate(); err != nil {
		return fmt.Errorf("notification %s of %s: %w", abbreviate(n.Name), abbreviate(n.BaseID), err)
	}
	return nil
}

// Equal reports whether both notifications are the same JSON value.
func (n Notification) Equal(other Notification) bool {
	return n == other || pyjson.Equal(n.JSON(), other.JSON())
}

// Time returns the time of Timestamp, parsed by [ParseTime].
func (n *Notification) Time() (time.Time, error) { return ParseTime(n.Timestamp) }

// A Half is one of the two notifications of an operation.
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

// Half returns Stop if Name ends in "stop", and Start otherwise. Reports of the
// Python library follow the same rule.
func (n *Notification) Half() Half {
	if strings.HasSuffix(n.Name, "stop") {
		return Stop
	}
	return Start
}

// Operation returns the name of the operation: Name without "-start" or "-stop" at its end.
// All other names are returned unchanged.
func (n *Notification) Operation() string {
	if name, ok := strings.CutSuffix(n.Name, "-start"); ok {
		return name
	}
	return strings.TrimSuffix(n.Name, "-stop")
}
