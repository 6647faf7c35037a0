package convert

import (
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

var defaultConverter = sync.OnceValue(func() *Converter { return New() })

// SpanOf makes the span of an operation's two notifications, with default options. See
// [Converter.SpanOf].
func SpanOf(start, stop *osprofiler.Notification) sdktrace.ReadOnlySpan {
	return defaultConverter().SpanOf(start, stop)
}

// SpanOf makes the span of an operation's two notifications. One of them may be nil. If both
// are nil, so is the span. Both must have the same base id and trace id. To change the span,
// use [CopySpan].
func (c *Converter) SpanOf(start, stop *osprofiler.Notification) sdktrace.ReadOnlySpan {
	if stop != nil {
		if s, ok := carriedSpan(stop); ok {
			return c.redacted(s.Snapshot())
		}
	}
	start, stop = c.redactedNotification(start), c.redactedNotification(stop)
	if start == nil && stop == nil {
		return nil
	}
	return c.spanOf(start, stop)
}

// carriedSpan returns the span in the stop's info.otel. ok is false if there is no such span,
// or if its ids are not those of the notification.
func carriedSpan(stop *osprofiler.Notification) (s *Span, ok bool) {
	if info := string(stop.Info); !strings.Contains(info, `"`+keyOTel+`"`) && !strings.Contains(info, `\`) {
		return nil, false // nor is it present with escapes
	}
	raw, ok := stop.Info.Get(keyOTel)
	if !ok {
		return nil, false
	}
	text, ok := pyjson.Text(raw)
	if !ok {
		return nil, false
	}
	s, err := decodeTracesData(text)
	if err != nil || !hasIDsOf(stop, s.SpanContext) {
		return nil, false
	}
	s.fromNotifications = true
	return s, true
}

// hasIDsOf reports whether a notification's ids are those of the span context.
func hasIDsOf(n *osprofiler.Notification, sc trace.SpanContext) bool {
	return sc.TraceID() == osprofiler.TraceIDOf(n.BaseID) && sc.SpanID() == osprofiler.SpanIDOf(n.TraceID)
}

// spanOf makes a span from the notifications' own members, without info.otel.
func (c *Converter) spanOf(startNotification, stopNotification *osprofiler.Notification) sdktrace.ReadOnlySpan {
	start, stop := newHalf(startNotification, osprofiler.Start), newHalf(stopNotification, osprofiler.Stop)
	first := &start
	if start.n == nil {
		first = &stop
	}
	host := start.info.Host()
	if host == "" {
		host = stop.info.Host()
	}
	host = validUTF8(host)
	roomy := &roomySnapshot{}
	s := &roomy.span
	s.fromNotifications = true
	s.Attributes = roomy.room[:0]
	s.Name = validUTF8(first.n.Operation())
	s.InstrumentationScope = instrumentation.Scope{Name: ScopeName}
	s.Resource = namedResources.of(validUTF8(first.n.Project), validUTF8(first.n.Service), host)
	s.SpanContext, s.Parent = spanContextsOf(first.n)
	s.StartTime, s.EndTime = timesOf(&start, &stop)
	call := first.info.Call(s.Name)
	s.SpanKind = call.SpanKind()
	c.describe(s, call, &start, &stop)
	s.addIDs(first.n)
	if call != tags.CallOfSpan(s.SpanKind, s.Attributes) && len(s.Attributes) > 0 {
		start.keepWhole, stop.keepWhole = true, true // otherwise Append would derive another kind of call
	}
	s.addHalf(&start, first, call, host)
	s.addHalf(&stop, first, call, host)
	s.clip()
	return &roomy.snapshot
}

// spanContextsOf returns the span context of the operation and of its parent.
func spanContextsOf(n *osprofiler.Notification) (own, parent trace.SpanContext) {
	config := trace.SpanContextConfig{
		TraceID:    osprofiler.TraceIDOf(n.BaseID),
		SpanID:     osprofiler.SpanIDOf(n.TraceID),
		TraceFlags: trace.FlagsSampled,
	}
	own = trace.NewSpanContext(config)
	if !isRoot(n) {
		config.SpanID = osprofiler.SpanIDOf(n.ParentID)
		parent = trace.NewSpanContext(config)
	}
	return own, parent
}

func isRoot(n *osprofiler.Notification) bool {
	return n.ParentID == "" || n.ParentID == n.BaseID
}

// describe sets attributes, events and status from both infos.
func (c *Converter) describe(s *Span, call tags.Call, start, stop *half) {
	s.Attributes, start.exact = start.info.AppendStartAttributes(s.Attributes, call, c.cfg.conventions)
	s.Attributes, stop.exact = stop.info.AppendStopAttributes(s.Attributes, call, c.cfg.conventions)
	if !stop.info.Failed() {
		return
	}
	failure, rest, _ := tags.FailureOfInfo(stop.info.Rest(call, stop.exact))
	stop.info, stop.exact = tags.NewParsedInfo(rest), 0
	s.Attributes = append(s.Attributes, failure.Attributes(c.cfg.conventions)...)
	s.Events = failure.Events(s.EndTime, c.cfg.conventions)
	s.Status = failure.Status()
}

func (s *Span) addText(key attribute.Key, text string) {
	s.Attributes = append(s.Attributes, key.String(validUTF8(text)))
}

// validUTF8 replaces bytes that are not UTF-8 by U+FFFD. OTLP allows only UTF-8, and one lone
// surrogate of a notification would make an exporter lose the whole batch. Such a notification
// is also kept whole, as JSON, which escapes the surrogate.
func validUTF8(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// addIDs adds the texts of ids that cannot be derived from the span's ids.
func (s *Span) addIDs(n *osprofiler.Notification) {
	traceID := s.SpanContext.TraceID()
	if !isCanonical(n.BaseID, osprofiler.UUID(traceID)) {
		s.addText(BaseIDKey, n.BaseID)
	}
	if !isCanonical(n.TraceID, derivedUUID(traceID, s.SpanContext.SpanID())) {
		s.addText(TraceIDKey, n.TraceID)
	}
	if !isRoot(n) && !isCanonical(n.ParentID, derivedUUID(traceID, s.Parent.SpanID())) {
		s.addText(ParentIDKey, n.ParentID)
	}
}

// isCanonical reports whether a text is the canonical form of a UUID.
func isCanonical(text string, u osprofiler.UUID) bool {
	const digits = "0123456789abcdef"
	var room [36]byte
	return len(text) == len(room) && text[0] == digits[u[0]>>4] && string(u.Append(room[:0])) == text
}

// addHalf adds the content of one half that the span does not have yet.
func (s *Span) addHalf(h, first *half, call tags.Call, host string) {
	wholeKey, infoKey := StartKey, StartInfoKey
	if h.kind == osprofiler.Stop {
		wholeKey, infoKey = StopKey, StopInfoKey
	}
	switch {
	case h.n == nil:
		s.addText(MissingKey, h.kind.String())
	case h.keepWhole || !h.followsFrom(first, s.Name):
		s.addText(wholeKey, h.n.JSON())
	case !h.info.RestIsOnlyHost(h.exact, host):
		s.addText(infoKey, string(h.info.Rest(call, h.exact)))
	}
}
