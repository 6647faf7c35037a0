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

// appendOriginals appends the notifications from which a span was made.
func (c *Converter) appendOriginals(dst []osprofiler.Notification, halves Halves, s sdktrace.ReadOnlySpan) []osprofiler.Notification {
	start, stop := c.originals(s)
	if start != nil && halves&Starts != 0 {
		dst = append(dst, *start)
	}
	if stop != nil && halves&Stops != 0 {
		dst = append(dst, *stop)
	}
	return dst
}

// originals restores the notifications from which a span was made. If the span was changed
// afterwards, the stop carries the whole span.
func (c *Converter) originals(s sdktrace.ReadOnlySpan) (start, stop *osprofiler.Notification) {
	attrs := s.Attributes()
	own := ownAttributesOf(attrs)
	call := tags.CallOfSpan(s.SpanKind(), attrs)
	_, _, host := namesOf(s.Resource())
	if own.missing != osprofiler.Start.String() {
		start = original(s, &own, own.start, osprofiler.Start, func() osprofiler.Info {
			return tags.Merge(infoOr(own.startInfo, host), tags.StartInfo(call, attrs))
		})
	}
	if own.missing != osprofiler.Stop.String() {
		stop = original(s, &own, own.stop, osprofiler.Stop, func() osprofiler.Info {
			failure := osprofiler.Info("")
			if f, failed := tags.FailureOfSpan(s.Status(), attrs, s.Events()); failed {
				failure = f.Info()
			}
			return tags.Merge(infoOr(own.stopInfo, host), tags.StopInfo(call, attrs), failure)
		})
	}
	start, stop = c.redactedNotification(start), c.redactedNotification(stop)
	if stop != nil && !c.restores(s, start, stop) {
		stop.Info = stop.Info.With(keyOTel, c.otlpMember(s))
	}
	return start, stop
}

// ownAttributes has the values of our own attributes.
type ownAttributes struct {
	baseID, traceID, parentID, missing string
	start, stop                        string // JSON of notifications
	startInfo, stopInfo                osprofiler.Info
}

func ownAttributesOf(attrs []attribute.KeyValue) (own ownAttributes) {
	for _, kv := range attrs {
		switch kv.Key {
		case BaseIDKey:
			own.baseID = kv.Value.AsString()
		case TraceIDKey:
			own.traceID = kv.Value.AsString()
		case ParentIDKey:
			own.parentID = kv.Value.AsString()
		case MissingKey:
			own.missing = kv.Value.AsString()
		case StartKey:
			own.start = kv.Value.AsString()
		case StopKey:
			own.stop = kv.Value.AsString()
		case StartInfoKey:
			own.startInfo = validInfo(kv.Value.AsString())
		case StopInfoKey:
			own.stopInfo = validInfo(kv.Value.AsString())
		}
	}
	return own
}

// original restores one half. If whole is the JSON of a notification with the span's ids, it
// is the half. Otherwise the half is derived from the span.
func original(s sdktrace.ReadOnlySpan, own *ownAttributes, whole string, kind osprofiler.Half, info func() osprofiler.Info) *osprofiler.Notification {
	if whole != "" {
		n, err := osprofiler.ParseNotification(whole)
		if err == nil && hasIDsOf(&n, s.SpanContext()) {
			return &n
		}
	}
	n := &osprofiler.Notification{Name: s.Name() + suffixOf(kind), Info: info()}
	n.BaseID, n.TraceID, n.ParentID = own.ids(s.SpanContext(), s.Parent())
	n.Project, n.Service, _ = namesOf(s.Resource())
	n.Timestamp = osprofiler.FormatTime(s.StartTime())
	if kind == osprofiler.Stop {
		n.Timestamp = osprofiler.FormatTime(s.EndTime())
	}
	return n
}

func suffixOf(kind osprofiler.Half) string {
	if kind == osprofiler.Stop {
		return stopSuffix
	}
	return startSuffix
}

// ids returns the texts of the ids. A text in an attribute is used only if it still maps to
// the span's id.
func (own *ownAttributes) ids(sc, parent trace.SpanContext) (baseID, traceID, parentID string) {
	baseID, traceID = own.baseID, own.traceID
	if baseID == "" || osprofiler.TraceIDOf(baseID) != sc.TraceID() {
		baseID = osprofiler.BaseIDOf(sc.TraceID())
	}
	if traceID == "" || osprofiler.SpanIDOf(traceID) != sc.SpanID() {
		traceID = osprofiler.IDOf(sc.TraceID(), sc.SpanID())
	}
	switch {
	case !parent.SpanID().IsValid():
		parentID = baseID
	case own.parentID != "" && osprofiler.SpanIDOf(own.parentID) == parent.SpanID():
		parentID = own.parentID
	default:
		parentID = osprofiler.IDOf(sc.TraceID(), parent.SpanID())
	}
	return baseID, traceID, parentID
}

// infoOr returns the info, or one with only the host if it is empty.
func infoOr(info osprofiler.Info, host string) osprofiler.Info {
	if info != "" {
		return info
	}
	if host == "" {
		return "{}"
	}
	return osprofiler.Info("{}").With("host", string(pyjson.AppendString(nil, host)))
}

// restores reports whether the span can be restored from the notifications alone, with any
// conventions.
func (c *Converter) restores(s sdktrace.ReadOnlySpan, start, stop *osprofiler.Notification) bool {
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

// sameAttribute compares two attributes. Our own attributes that hold JSON are compared by
// their JSON values.
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

// otlpMember returns the raw JSON string of info.otel for a span.
func (c *Converter) otlpMember(s sdktrace.ReadOnlySpan) string {
	text := appendTracesData([]byte{'"'}, s, s.Attributes(), c.resources.of(s.Resource(), &c.cfg))
	return string(append(text, '"'))
}
