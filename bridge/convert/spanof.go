package convert

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// ScopeName is the instrumentation scope of the spans that are made from
// notifications alone.
const ScopeName = "github.com/osprofiler-otel/osprofiler/bridge/convert"

// ProfilerScopeName is the instrumentation scope of the bridge's Profiler.
// Its spans are operations already: they keep their names.
const ProfilerScopeName = "github.com/osprofiler-otel/osprofiler/bridge"

// The attributes of a span that was made from notifications, for what a span
// has no place for. Each is there only when it says something.
const (
	// BaseIDKey is the base id, if it is not the trace id's canonical UUID.
	BaseIDKey = attribute.Key("osprofiler.base_id")
	// TraceIDKey is OSProfiler's trace_id, whose low half is the span id.
	TraceIDKey = attribute.Key("osprofiler.trace_id")
	// ParentIDKey is the parent's trace_id, likewise.
	ParentIDKey = attribute.Key("osprofiler.parent_id")
	// MissingKey names the half that was never seen: "start" or "stop". The
	// time of the other stands for it.
	MissingKey = attribute.Key("osprofiler.missing")
	// StartInfoKey and StopInfoKey hold what of info no other attribute says,
	// as JSON. Spans of the bridge's Profiler have them, too.
	StartInfoKey = attribute.Key("osprofiler.start.info")
	StopInfoKey  = attribute.Key("osprofiler.stop.info")
	// StartKey and StopKey hold the whole notification as JSON, where it is
	// not what its operation leads to expect: unknown members, a timestamp of
	// another form, another name, service or parent than the other half's.
	StartKey = attribute.Key("osprofiler.start")
	StopKey  = attribute.Key("osprofiler.stop")
)

const keyOTel = "otel" // in info: the span as OTLP/JSON

// SpanOf makes the span of an operation's two notifications, by default
// options. See [Converter.SpanOf].
func SpanOf(start, stop *osprofiler.Notification) sdktrace.ReadOnlySpan {
	return New().SpanOf(start, stop)
}

// SpanOf makes the span of an operation's two notifications, of which one may
// be nil. Both must be of the same base id and trace id.
func (c *Converter) SpanOf(start, stop *osprofiler.Notification) sdktrace.ReadOnlySpan {
	if stop != nil {
		if s := carried(stop); s != nil {
			return c.redacted(s)
		}
	}
	start, stop = c.redactedNotification(start), c.redactedNotification(stop)
	if start == nil && stop == nil {
		return nil
	}
	return c.build(start, stop)
}

// carried returns the span that the stop carries in info.otel, if there is one
// and its ids are the notification's.
func carried(stop *osprofiler.Notification) *span {
	if info := string(stop.Info); !strings.Contains(info, `"`+keyOTel+`"`) && !strings.Contains(info, `\`) {
		return nil // nor is it there with escapes
	}
	raw, ok := stop.Info.Get(keyOTel)
	if !ok {
		return nil
	}
	text, ok := pyjson.Text(raw)
	if !ok {
		return nil
	}
	s, err := decodeTracesData(text)
	if err != nil || !isOf(stop, s.context) {
		return nil
	}
	return s
}

// isOf tells whether a notification's ids are the span's.
func isOf(n *osprofiler.Notification, sc trace.SpanContext) bool {
	return sc.TraceID() == osprofiler.TraceIDOf(n.BaseID) && sc.SpanID() == osprofiler.SpanIDOf(n.TraceID)
}

// build makes a span of what the notifications alone say.
func (c *Converter) build(start, stop *osprofiler.Notification) *span {
	from, to := half{n: start}, half{n: stop, stop: true}
	from.read()
	to.read()
	first := &from
	if start == nil {
		first = &to
	}
	host := from.outline.Host()
	if host == "" {
		host = to.outline.Host()
	}
	host = utf8Of(host)
	roomy := &roomySpan{}
	s := &roomy.span
	s.attributes = roomy.room[:0]
	s.name = utf8Of(first.n.Operation())
	s.scope = instrumentation.Scope{Name: ScopeName}
	s.resource = resources.of(utf8Of(first.n.Project), utf8Of(first.n.Service), host)
	s.context, s.parent = contextsOf(first.n)
	s.start, s.end = timesOf(&from, &to)
	call := first.outline.Call(s.name)
	s.kind = call.SpanKind()
	c.describe(s, call, &from, &to)
	s.keepIDs(first.n)
	if call != tags.CallOfSpan(s.kind, s.attributes) && len(s.attributes) > 0 {
		from.unlike, to.unlike = true, true // the way back would read it otherwise
	}
	s.keepHalf(&from, first, call, host)
	s.keepHalf(&to, first, call, host)
	return s
}

func contextsOf(n *osprofiler.Notification) (own, parent trace.SpanContext) {
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

// describe gives the span the attributes, events and status of both infos.
func (c *Converter) describe(s *span, call tags.Call, start, stop *half) {
	s.attributes, start.said = start.outline.AppendStart(s.attributes, call, c.cfg.conventions)
	s.attributes, stop.said = stop.outline.AppendStop(s.attributes, call, c.cfg.conventions)
	if !stop.outline.Failed() {
		return
	}
	failure, rest, _ := tags.FailureOfInfo(stop.outline.Rest(call, stop.said))
	stop.outline, stop.said = tags.OutlineOf(rest), false
	s.attributes = append(s.attributes, failure.Attributes(c.cfg.conventions)...)
	s.events = failure.Events(s.end, c.cfg.conventions)
	s.status = failure.Status()
}

func (s *span) keep(key attribute.Key, text string) {
	s.attributes = append(s.attributes, key.String(utf8Of(text)))
}

// utf8Of returns a text as a span may have it. OTLP allows UTF-8 alone, so that
// one lone surrogate of a notification would cost an exporter the whole batch.
// Then the notification is kept whole, as JSON, which escapes it.
func utf8Of(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// keepIDs keeps the texts that do not follow from the span's ids.
func (s *span) keepIDs(n *osprofiler.Notification) {
	traceID := s.context.TraceID()
	if !isWritten(n.BaseID, osprofiler.UUID(traceID)) {
		s.keep(BaseIDKey, n.BaseID)
	}
	if !isWritten(n.TraceID, derived(traceID, s.context.SpanID())) {
		s.keep(TraceIDKey, n.TraceID)
	}
	if !isRoot(n) && !isWritten(n.ParentID, derived(traceID, s.parent.SpanID())) {
		s.keep(ParentIDKey, n.ParentID)
	}
}

// isWritten tells whether a text is the canonical form of a UUID.
func isWritten(text string, u osprofiler.UUID) bool {
	const digits = "0123456789abcdef"
	var room [36]byte
	return len(text) == len(room) && text[0] == digits[u[0]>>4] && string(u.Append(room[:0])) == text
}

// keepHalf keeps what the span does not say of one half.
func (s *span) keepHalf(h, first *half, call tags.Call, host string) {
	wholeKey, infoKey := StartKey, StartInfoKey
	if h.stop {
		wholeKey, infoKey = StopKey, StopInfoKey
	}
	switch {
	case h.n == nil:
		s.keep(MissingKey, h.kind().String())
	case h.unlike || !h.follows(first, s.name):
		s.keep(wholeKey, h.n.JSON())
	case !h.outline.RestIsHost(h.said, host):
		s.keep(infoKey, string(h.outline.Rest(call, h.said)))
	}
}
