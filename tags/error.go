package tags

import (
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// Failure is the error with which an operation ended.
type Failure struct {
	// Type is the error's class, such as nova.exception.InstanceNotFound. It is never empty:
	// an error without a class has the type "Error".
	Type string
	// Message is the error's text, which may be empty.
	Message string
}

// The members of an info that report a failure.
const (
	memberEtype   = "etype"
	memberMessage = "message"
)

const unknownType = "Error"

// FailureOfInfo returns the error that a stop's info reports. ok is false if the info reports
// no error: see [osprofiler.Info.Failed].
//
// If etype and message are strings that attributes can hold, and etype is not empty, the rest
// is the info without them. Otherwise both stay in the rest, and Type and Message have the
// nearest texts: null becomes the empty text, and any other value that is not a string becomes
// its JSON text. [Merge] restores the info in either case.
func FailureOfInfo(info osprofiler.Info) (f Failure, rest osprofiler.Info, ok bool) {
	fields := [...]field{{key: memberEtype}, {key: memberMessage}}
	for key, raw := range info.Members() {
		for i := range fields {
			if fields[i].key == key {
				fields[i].set(raw) // the last of repeated members wins
			}
		}
	}
	etype, message := &fields[0], &fields[1]
	if etype.missing() || etype.raw == "null" {
		return Failure{}, info, false
	}
	f = Failure{Type: etype.plainText(), Message: message.plainText()}
	if f.Type == "" {
		f.Type = unknownType
		return f, info, true
	}
	if etype.exact && message.exact {
		info = info.Without(memberEtype).Without(memberMessage)
	}
	return f, info, true
}

// FailureOfSpan returns the error with which a span ended. A span with the status Error has
// failed, and a span with the status Ok has not. A span with neither status has failed if it
// has the attribute error.type or the older attribute error. An exception event alone is no
// failure, because the exception may have been handled.
//
// Type and Message come from the newest exception event (or the log event of the
// Python library's OTLP driver). Without one they come from error.type and the
// description of the status. The type of an HTTP call without either is the status
// code.
func FailureOfSpan(status sdktrace.Status, attrs []attribute.KeyValue, events []sdktrace.Event) (Failure, bool) {
	if status.Code == codes.Ok {
		return Failure{}, false
	}
	f, failed := failureOfAttributes(attrs)
	if !failed && status.Code != codes.Error {
		return Failure{}, false
	}
	if event := newestException(events); event != nil {
		etype, message := exceptionOf(event)
		if etype.s != "" {
			f.Type = etype.s
		}
		f.Message = message.or(text{s: status.Description}).s
	} else {
		f.Message = status.Description
	}
	if f.Type == "" {
		f.Type = typeOfStatusCode(attrs)
	}
	return f, true
}

// typeOfStatusCode returns the status code of an HTTP call as the type of its error, as the
// conventions require, or "Error".
func typeOfStatusCode(attrs []attribute.KeyValue) string {
	for i := range attrs {
		if key := attrs[i].Key; key == keyStatusCode || key == oldStatusCode {
			if code := attrs[i].Value.AsInt64(); code >= 400 {
				return strconv.FormatInt(code, 10)
			}
		}
	}
	return unknownType
}

// failureOfAttributes reads the attribute error.type, and the attribute error of the older
// conventions.
func failureOfAttributes(attrs []attribute.KeyValue) (f Failure, failed bool) {
	for i := range attrs {
		switch v := &attrs[i].Value; attrs[i].Key {
		case keyErrorType:
			if t := v.String(); t != "" {
				f.Type, failed = t, true
			}
		case pythonError:
			failed = failed || v.Type() == attribute.BOOL && v.AsBool()
		}
	}
	return f, failed
}

// newestException returns the exception event with the latest time. Among events with equal
// times it returns the last one. It returns nil if there is none.
func newestException(events []sdktrace.Event) (newest *sdktrace.Event) {
	for i := range events {
		e := &events[i]
		if (e.Name == eventException || e.Name == eventLog && isErrorLog(e)) &&
			(newest == nil || !e.Time.Before(newest.Time)) {
			newest = e
		}
	}
	return newest
}

func isErrorLog(e *sdktrace.Event) bool {
	for i := range e.Attributes {
		if e.Attributes[i].Key == pythonErrorKind {
			return true
		}
	}
	return false
}

func exceptionOf(e *sdktrace.Event) (etype, message text) {
	for i := range e.Attributes {
		switch v := &e.Attributes[i].Value; e.Attributes[i].Key {
		case keyExceptionType, pythonErrorKind:
			etype.set(v)
		case keyExceptionMessage, pythonMessage:
			message.set(v)
		}
	}
	return etype, message
}

// plainText returns the text of a string, the empty text for null, and the JSON
// text of any other value.
func (f *field) plainText() string {
	if f.isText || f.raw == "null" {
		return f.text
	}
	return jsonText(f.raw)
}

// Info returns the failure in the form of a stop's info: etype and message.
func (f Failure) Info() osprofiler.Info {
	var room [512]byte
	dst := appendKeyText(append(room[:0], '{'), memberEtype, f.Type)
	dst = appendKeyText(dst, memberMessage, f.Message)
	return osprofiler.Info(append(dst, '}'))
}

// Attributes returns the attributes of a span with this failure.
func (f Failure) Attributes(c Conventions) []attribute.KeyValue {
	switch c {
	case Old:
		return []attribute.KeyValue{pythonError.Bool(true)}
	case Both:
		return []attribute.KeyValue{keyErrorType.String(f.Type), pythonError.Bool(true)}
	default:
		return []attribute.KeyValue{keyErrorType.String(f.Type)}
	}
}

// Events returns the events of a span with this failure at that time: the exception
// event of the stable conventions, the log event of the old ones, or both.
func (f Failure) Events(t time.Time, c Conventions) []sdktrace.Event {
	switch c {
	case Old:
		return []sdktrace.Event{f.log(t)}
	case Both:
		return []sdktrace.Event{f.log(t), f.Event(t)}
	default:
		return []sdktrace.Event{f.Event(t)}
	}
}

// Event returns the exception event of the stable conventions.
func (f Failure) Event(t time.Time) sdktrace.Event {
	return sdktrace.Event{Name: eventException, Time: t, Attributes: []attribute.KeyValue{
		keyExceptionType.String(f.Type), keyExceptionMessage.String(f.Message),
	}}
}

func (f Failure) log(t time.Time) sdktrace.Event {
	return sdktrace.Event{Name: eventLog, Time: t, Attributes: []attribute.KeyValue{
		pythonErrorKind.String(f.Type), pythonMessage.String(f.Message),
	}}
}

// Status returns the status of a span with this failure.
func (f Failure) Status() sdktrace.Status {
	return sdktrace.Status{Code: codes.Error, Description: f.Message}
}
