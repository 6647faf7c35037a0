package loginsight

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// eventText is the text of the events of Python's driver.
const eventText = "OSProfiler trace"

// The fields of Python's driver, in its order.
const (
	baseIDField  = "base_id"
	traceIDField = "trace_id"
	projectField = "project"
	serviceField = "service"
	nameField    = "name"
	traceField   = "trace" // the whole notification as JSON
)

// appendNotification appends the event of a notification, as Python's driver sends
// it. trace is the content of its field trace. The server accepts only texts, so a value
// that is not given becomes an empty text.
func appendNotification(dst []byte, n *osprofiler.Notification, trace []byte) []byte {
	dst = append(dst, `{"text": "`+eventText+`", "fields": [`...)
	for _, f := range [...]Field{
		{baseIDField, driver.Text(n.BaseID)}, {traceIDField, n.TraceID}, {projectField, n.Project}, {serviceField, n.Service}, {nameField, n.Name},
	} {
		dst = append(append(append(dst, `{"name": "`...), f.Name...), `", "content": `...)
		dst = append(pyjson.AppendString(dst, beginning(f.Content, maxField)), "}, "...)
	}
	dst = append(dst, `{"name": "`+traceField+`", "content": "`...)
	dst = pyjson.AppendEscaped(dst, trace)
	return append(dst, `"}]}`...)
}

// beginning returns the beginning of a text, of at most the given number of bytes.
func beginning(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// python is the style of json.dumps.
var python = pyjson.Style{Comma: ", ", Colon: ": "}

// appendTrace appends the JSON of a notification as the field trace has it. It has
// ASCII characters only, so that no server changes any. A failure can be found by
// the word etype, which a JSON text can hide behind escapes.
func appendTrace(dst []byte, n *osprofiler.Notification) []byte {
	start := len(dst)
	dst = n.AppendJSON(dst)
	if isASCII(dst[start:]) && !hidesFailure(n) {
		return dst
	}
	text := string(dst[start:])
	return python.Append(dst[:start], text)
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= 0x7F || c < ' ' {
			return false
		}
	}
	return true
}

func hidesFailure(n *osprofiler.Notification) bool {
	return !strings.Contains(string(n.Info), etypeWord) && strings.Contains(string(n.Info), `\u`) && n.Info.Failed()
}

const (
	etypeKey  = "etype"
	etypeWord = `"` + etypeKey + `"`
)

// A found is a notification that was found.
type found struct {
	osprofiler.Notification
	original  *original // if the notification is stored in the short form, which this one then is
	at        int64     // the timestamp of the event
	isWaiting bool      // for its original
}

// decode returns the notification of an event. ok is false for an event of another
// program, which Python's driver skips, too. The error for an event that cannot be
// read is a *store.DamageError.
func decode(e *Event, baseID string) (f found, ok bool, err error) {
	trace, ok := e.Field(traceField)
	if !ok {
		return f, false, nil
	}
	id, isOurs := e.Field(baseIDField)
	if !isOurs && e.Text != eventText {
		return f, false, nil
	}
	f.Notification, err = osprofiler.ParseNotification(trace)
	if err == nil && strings.Contains(trace, originalKey) {
		f.original, err = originalOf(&f.Notification)
	}
	if err != nil {
		return f, true, damage(driver.Text(id), baseID, err)
	}
	return f, true, nil
}

// damage returns the error for an event of a trace that cannot be read.
func damage(id, baseID string, reason error) error {
	return &store.DamageError{Entry: "an event of Log Insight", InTrace: baseID != "" && id == baseID, BaseID: id, Reason: reason}
}

// isFindable reports whether a query for an id finds its events. The reference of the
// API does not say how a text is divided into words. So an id with characters other than
// letters, digits and hyphens is looked for among all events.
func isFindable(id string) bool {
	if id == "" || len(id) > mostFindable {
		return false
	}
	hasLetter := false
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
			hasLetter = true
		case c != '-':
			return false
		}
	}
	return hasLetter
}

// mostFindable is the largest length in bytes of an id in a query, because the query is
// a part of a URL.
const mostFindable = 200

// ofTrace returns the constraints for the events of a trace, and few others.
func ofTrace(baseID string) []Constraint {
	if isFindable(baseID) {
		return []Constraint{Contains(baseIDField, baseID)}
	}
	return everything()
}

// everything returns the constraints for all events of OSProfiler.
func everything() []Constraint { return []Constraint{Contains("text", eventText)} }
