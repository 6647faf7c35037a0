package convert

import (
	"reflect"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// appendRebuilt appends the notifications that a span was made from.
func (c *Converter) appendRebuilt(dst []osprofiler.Notification, s sdktrace.ReadOnlySpan) []osprofiler.Notification {
	start, stop := c.rebuild(s)
	if start != nil {
		dst = append(dst, *start)
	}
	if stop != nil {
		dst = append(dst, *stop)
	}
	return dst
}

// rebuild gives back the notifications that a span was made from. If somebody
// has added to the span since, the stop carries it as a whole.
func (c *Converter) rebuild(s sdktrace.ReadOnlySpan) (start, stop *osprofiler.Notification) {
	s = c.redacted(s)
	attrs := s.Attributes()
	found := pickKept(attrs)
	call := tags.CallOfSpan(s.SpanKind(), attrs)
	_, _, host := whoSays(s.Resource())
	if found.missing != osprofiler.Start.String() {
		start = rebuilt(s, found, found.start, osprofiler.Start, func() osprofiler.Info {
			return tags.Merge(orHost(found.startInfo, host), tags.StartInfo(call, attrs))
		})
	}
	if found.missing != osprofiler.Stop.String() {
		stop = rebuilt(s, found, found.stop, osprofiler.Stop, func() osprofiler.Info {
			failure := osprofiler.Info("")
			if f, failed := tags.FailureOfSpan(s.Status(), attrs, s.Events()); failed {
				failure = f.Info()
			}
			return tags.Merge(orHost(found.stopInfo, host), tags.StopInfo(call, attrs), failure)
		})
	}
	start, stop = c.redactedNotification(start), c.redactedNotification(stop)
	if stop != nil && !c.saysAll(s, start, stop) {
		stop.Info = stop.Info.With(keyOTel, carry(s))
	}
	return start, stop
}

// kept is what a span keeps of its notifications in attributes of ours.
type kept struct {
	baseID, traceID, parentID, missing string
	start, stop                        string
	startInfo, stopInfo                osprofiler.Info
}

func pickKept(attrs []attribute.KeyValue) (k kept) {
	for _, kv := range attrs {
		switch kv.Key {
		case BaseIDKey:
			k.baseID = kv.Value.AsString()
		case TraceIDKey:
			k.traceID = kv.Value.AsString()
		case ParentIDKey:
			k.parentID = kv.Value.AsString()
		case MissingKey:
			k.missing = kv.Value.AsString()
		case StartKey:
			k.start = kv.Value.AsString()
		case StopKey:
			k.stop = kv.Value.AsString()
		case StartInfoKey:
			k.startInfo = keptInfo(kv.Value.AsString())
		case StopInfoKey:
			k.stopInfo = keptInfo(kv.Value.AsString())
		}
	}
	return k
}

// rebuilt gives back one half: the one kept whole, if it is this span's, else
// the one that follows from the span.
func rebuilt(s sdktrace.ReadOnlySpan, k kept, text string, half osprofiler.Half, info func() osprofiler.Info) *osprofiler.Notification {
	if text != "" {
		n, err := osprofiler.ParseNotification(text)
		if err == nil && isOf(&n, s.SpanContext()) {
			return &n
		}
	}
	n := &osprofiler.Notification{Name: s.Name() + "-" + half.String(), Info: info()}
	n.BaseID, n.TraceID, n.ParentID = k.ids(s.SpanContext(), s.Parent())
	n.Project, n.Service, _ = whoSays(s.Resource())
	n.Timestamp = osprofiler.FormatTime(s.StartTime())
	if half == osprofiler.Stop {
		n.Timestamp = osprofiler.FormatTime(s.EndTime())
	}
	return n
}

// ids gives the texts of the ids: those kept, if they still are the span's.
func (k kept) ids(sc, parent trace.SpanContext) (baseID, traceID, parentID string) {
	baseID, traceID = k.baseID, k.traceID
	if baseID == "" || osprofiler.TraceIDOf(baseID) != sc.TraceID() {
		baseID = osprofiler.BaseIDOf(sc.TraceID())
	}
	if traceID == "" || osprofiler.SpanIDOf(traceID) != sc.SpanID() {
		traceID = osprofiler.IDOf(sc.TraceID(), sc.SpanID())
	}
	switch {
	case !parent.SpanID().IsValid():
		parentID = baseID
	case k.parentID != "" && osprofiler.SpanIDOf(k.parentID) == parent.SpanID():
		parentID = k.parentID
	default:
		parentID = osprofiler.IDOf(sc.TraceID(), parent.SpanID())
	}
	return baseID, traceID, parentID
}

// orHost is the rest of an info; where none was kept, it was just the host.
func orHost(rest osprofiler.Info, host string) osprofiler.Info {
	if rest != "" {
		return rest
	}
	if host == "" {
		return "{}"
	}
	return osprofiler.Info("{}").With("host", string(pyjson.AppendString(nil, host)))
}

// saysAll tells whether the notifications alone give the span back, by
// whichever conventions it was made.
func (c *Converter) saysAll(s sdktrace.ReadOnlySpan, start, stop *osprofiler.Notification) bool {
	for _, conventions := range []tags.Conventions{c.cfg.conventions, tags.Stable, tags.Old, tags.Both} {
		other := Converter{cfg: c.cfg}
		other.cfg.conventions = conventions
		if sameSpan(s, other.SpanOf(start, stop)) {
			return true
		}
	}
	return false
}

func sameSpan(a, b sdktrace.ReadOnlySpan) bool {
	return a.Name() == b.Name() && a.SpanKind() == b.SpanKind() &&
		a.SpanContext().Equal(b.SpanContext()) && a.Parent().Equal(b.Parent()) &&
		a.StartTime().Equal(b.StartTime()) && a.EndTime().Equal(b.EndTime()) &&
		a.Status() == b.Status() && a.InstrumentationScope() == b.InstrumentationScope() &&
		a.DroppedAttributes() == b.DroppedAttributes() && a.DroppedEvents() == b.DroppedEvents() &&
		len(a.Links()) == 0 && a.DroppedLinks() == 0 && a.ChildSpanCount() == 0 &&
		a.Resource().Equal(b.Resource()) && a.Resource().SchemaURL() == b.Resource().SchemaURL() &&
		slices.EqualFunc(a.Attributes(), b.Attributes(), sameAttribute) &&
		slices.EqualFunc(a.Events(), b.Events(), sameEvent)
}

// sameAttribute compares two attributes, those of ours that hold JSON by value.
func sameAttribute(a, b attribute.KeyValue) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	switch a.Key {
	case StartKey, StopKey, StartInfoKey, StopInfoKey:
		x, errX := pyjson.One(a.Value.AsString())
		y, errY := pyjson.One(b.Value.AsString())
		return a.Key == b.Key && errX == nil && errY == nil && pyjson.Equal(x, y)
	}
	return false
}

func sameEvent(a, b sdktrace.Event) bool {
	return a.Name == b.Name && a.Time.Equal(b.Time) && a.DroppedAttributeCount == b.DroppedAttributeCount &&
		reflect.DeepEqual(a.Attributes, b.Attributes)
}

// carry writes a span as info.otel: a raw JSON string.
func carry(s sdktrace.ReadOnlySpan) string {
	text := appendTracesData([]byte{'"'}, s, s.Attributes(), &resourceMemo{})
	return string(append(text, '"'))
}
