package convert

import (
	"context"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// InfoEvent is the name of an event of a Profiler's span. The event is added if the limits of
// the SDK have cut or dropped attributes of the span. Its attributes [StartInfoKey] and
// [StopInfoKey] hold the whole infos, because these limits do not shorten the attributes of
// events.
const InfoEvent = "osprofiler.info"

// Recorded has the attributes with which a Profiler starts a span. Its methods may be called
// on a nil Recorded.
type Recorded struct {
	call  tags.Call
	attrs []attribute.KeyValue
}

type recordedKey struct{}

// WithRecorded returns a context in which a processor's OnStart finds the attributes of the
// span being started. The caller must call Forget when the span has started, so that child
// spans do not find them.
func WithRecorded(ctx context.Context, call tags.Call, attrs []attribute.KeyValue) (context.Context, *Recorded) {
	r := &Recorded{call, attrs}
	return context.WithValue(ctx, recordedKey{}, r), r
}

// Forget stops OnStart from using the attributes.
func (r *Recorded) Forget() {
	if r != nil {
		r.attrs = nil
	}
}

// RecordedStart returns the event with the info of the span's start. It does so if the span is
// a Profiler's that starts in this context and its attributes were cut.
func RecordedStart(ctx context.Context, s sdktrace.ReadOnlySpan) (e sdktrace.Event, ok bool) {
	r, _ := ctx.Value(recordedKey{}).(*Recorded)
	if r == nil || len(r.attrs) == 0 || s.InstrumentationScope().Name != ProfilerScopeName || !IsCut(s.Attributes(), s.DroppedAttributes(), r.attrs) {
		return e, false
	}
	info := RecordedInfo(r.call, r.attrs)
	return sdktrace.Event{Name: InfoEvent, Time: s.StartTime(), Attributes: []attribute.KeyValue{StartInfoKey.String(string(info))}}, true
}

// RecordedInfo returns the info of the start that these attributes represent,
// without host.
func RecordedInfo(call tags.Call, attrs []attribute.KeyValue) osprofiler.Info {
	rest := osprofiler.Info("")
	for i := range attrs {
		if attrs[i].Key == StartInfoKey {
			rest = validInfo(attrs[i].Value.AsString())
		}
	}
	return tags.Merge(rest, tags.StartInfo(call, attrs))
}

// IsCut reports whether the limits of the SDK have cut one of the attributes. An attribute is
// cut if the text that a span has kept is the beginning of the given text, or if the attribute
// is missing and attributes were dropped. A text that somebody has replaced, for example to
// redact it, is not cut.
func IsCut(kept []attribute.KeyValue, dropped int, attrs []attribute.KeyValue) bool {
	for i := range attrs {
		if isCut(kept, dropped, attrs, i) {
			return true
		}
	}
	return false
}

func isCut(kept []attribute.KeyValue, dropped int, attrs []attribute.KeyValue, i int) bool {
	key, value := attrs[i].Key, attrs[i].Value
	for _, later := range attrs[i+1:] {
		if later.Key == key {
			return false // the last attribute with the key counts
		}
	}
	for j := range kept {
		if kept[j].Key != key {
			continue
		}
		if value.Type() != attribute.STRING || kept[j].Value.Type() != attribute.STRING {
			return false
		}
		text, whole := kept[j].Value.AsString(), strings.ToValidUTF8(value.AsString(), "")
		return len(text) < len(whole) && strings.HasPrefix(whole, text) && (text != "" || allEmpty(kept))
	}
	return dropped > 0
}

// allEmpty reports whether no attribute has a text, as with a limit of 0 characters. If one
// attribute has a text, somebody has replaced the empty ones.
func allEmpty(kept []attribute.KeyValue) bool {
	for i := range kept {
		if kept[i].Value.Type() == attribute.STRING && kept[i].Value.AsString() != "" {
			return false
		}
	}
	return true
}

// Longest returns the length of the longest text, in bytes and in characters.
func Longest(attrs []attribute.KeyValue) (bytes, characters int) {
	longest := ""
	for i := range attrs {
		if attrs[i].Value.Type() == attribute.STRING {
			if text := attrs[i].Value.AsString(); len(text) > len(longest) {
				longest = text
			}
		}
	}
	return len(longest), utf8.RuneCountInString(longest)
}

// recordedIn returns the whole info that an event of the span holds, or "".
func recordedIn(events []sdktrace.Event, key attribute.Key) osprofiler.Info {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Name != InfoEvent {
			continue
		}
		for _, kv := range events[i].Attributes {
			if kv.Key == key {
				return validInfo(kv.Value.AsString())
			}
		}
	}
	return ""
}
