package convert

import (
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
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
	raw, ok := stop.Info.Get(keyOTel)
	if !ok {
		return nil
	}
	text, ok := pyjson.Text(raw)
	if !ok {
		return nil
	}
	s, err := decodeTracesData(text)
	if err != nil || s.context.TraceID() != osprofiler.TraceIDOf(stop.BaseID) ||
		s.context.SpanID() != osprofiler.SpanIDOf(stop.TraceID) {
		return nil
	}
	return s
}

// build makes a span of what the notifications alone say.
func (c *Converter) build(start, stop *osprofiler.Notification) *span {
	first := start
	if first == nil {
		first = stop
	}
	s := &span{
		name:  first.Operation(),
		scope: instrumentation.Scope{Name: ScopeName},
	}
	s.resource = resources.of(first.Project, first.Service, hostOf(start, stop))
	s.context, s.parent = contextsOf(first)
	s.start, s.end = timesOf(start, stop)
	call := tags.CallOfInfo(s.name, infoOf(first))
	s.kind = call.SpanKind()
	s.attributes = make([]attribute.KeyValue, 0, 8)
	startRest, stopRest := c.describe(s, call, start, stop)
	s.keepIDs(first)
	if call != tags.CallOfSpan(s.kind, s.attributes) && len(s.attributes) > 0 {
		startRest, stopRest = whole, whole // the way back would read it otherwise
	}
	host := hostOf(start, stop)
	s.keepHalf(start, first, startRest, host, StartKey, StartInfoKey)
	s.keepHalf(stop, first, stopRest, host, StopKey, StopInfoKey)
	return s
}

// whole stands for a rest that is the whole notification.
const whole = osprofiler.Info("*")

func infoOf(n *osprofiler.Notification) osprofiler.Info {
	if n == nil {
		return ""
	}
	return n.Info
}

func hostOf(start, stop *osprofiler.Notification) string {
	if host := infoOf(start).Host(); host != "" {
		return host
	}
	return infoOf(stop).Host()
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

// timesOf reads both times. A missing or unreadable one is the other; where
// neither can be read, it is the beginning of 1970.
func timesOf(start, stop *osprofiler.Notification) (from, to time.Time) {
	read := func(n *osprofiler.Notification) (time.Time, bool) {
		if n == nil {
			return time.Time{}, false
		}
		t, err := n.Time()
		return t, err == nil
	}
	from, okFrom := read(start)
	to, okTo := read(stop)
	switch {
	case !okFrom && !okTo:
		epoch := time.Unix(0, 0).UTC()
		return epoch, epoch
	case !okFrom:
		return to, to
	case !okTo:
		return from, from
	}
	return from, to
}

// describe gives the span the attributes, event and status of both infos, and
// returns what of these they do not say.
func (c *Converter) describe(s *span, call tags.Call, start, stop *osprofiler.Notification) (startRest, stopRest osprofiler.Info) {
	if start != nil {
		s.attributes, startRest = tags.StartAttributes(s.attributes, call, start.Info, c.cfg.conventions)
	}
	if stop == nil {
		return startRest, ""
	}
	s.attributes, stopRest = tags.StopAttributes(s.attributes, call, stop.Info, c.cfg.conventions)
	failure, rest, failed := tags.FailureOfInfo(stopRest)
	if failed {
		stopRest = rest
		s.attributes = append(s.attributes, failure.Attributes(c.cfg.conventions)...)
		s.events = failure.Events(s.end, c.cfg.conventions)
		s.status = failure.Status()
	}
	return startRest, stopRest
}

func (s *span) keep(key attribute.Key, text string) {
	s.attributes = append(s.attributes, key.String(text))
}

// keepIDs keeps the texts that do not follow from the span's ids.
func (s *span) keepIDs(n *osprofiler.Notification) {
	traceID := s.context.TraceID()
	if n.BaseID != osprofiler.BaseIDOf(traceID) {
		s.keep(BaseIDKey, n.BaseID)
	}
	if n.TraceID != osprofiler.IDOf(traceID, s.context.SpanID()) {
		s.keep(TraceIDKey, n.TraceID)
	}
	if !isRoot(n) && n.ParentID != osprofiler.IDOf(traceID, s.parent.SpanID()) {
		s.keep(ParentIDKey, n.ParentID)
	}
}

// keepHalf keeps what the span does not say of one half.
func (s *span) keepHalf(n, first *osprofiler.Notification, rest osprofiler.Info, host string, wholeKey, infoKey attribute.Key) {
	half, at := osprofiler.Start, s.start
	if wholeKey == StopKey {
		half, at = osprofiler.Stop, s.end
	}
	switch {
	case n == nil:
		s.keep(MissingKey, half.String())
	case rest == whole || !asExpected(n, first, half, at):
		s.keep(wholeKey, n.JSON())
	case !isHostOnly(rest, host):
		s.keep(infoKey, string(rest))
	}
}

// asExpected tells whether all of a notification but its info follows from the
// span and the operation's first notification.
func asExpected(n, first *osprofiler.Notification, half osprofiler.Half, at time.Time) bool {
	if n != first && (n.ParentID != first.ParentID || n.Project != first.Project || n.Service != first.Service) {
		return false
	}
	return n.Plain() && n.BaseID != "" && n.TraceID != "" && n.ParentID != "" && n.Name == first.Operation()+"-"+half.String() &&
		n.Timestamp == osprofiler.FormatTime(at)
}

// isHostOnly tells whether the rest of an info is just the resource's host.
func isHostOnly(rest osprofiler.Info, host string) bool {
	members := 0
	for key, value := range rest.Members() {
		text, ok := pyjson.Text(value)
		if members++; members > 1 || key != "host" || !ok || text != host {
			return false
		}
	}
	return members == 1 && host != ""
}

// resources keeps one resource for each project, service and host, since
// processors and exporters group spans by it.
var resources = resourceCache{known: map[resourceKey]*resource.Resource{}}

type resourceKey struct{ project, service, host string }

type resourceCache struct {
	mu    sync.Mutex
	known map[resourceKey]*resource.Resource
}

// mostResources bounds the cache; hosts of a cloud are fewer.
const mostResources = 4096

func (c *resourceCache) of(project, service, host string) *resource.Resource {
	key := resourceKey{project, service, host}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.known[key]; ok {
		return r
	}
	if len(c.known) >= mostResources {
		clear(c.known)
	}
	r := newResource(key)
	c.known[key] = r
	return r
}

func newResource(key resourceKey) *resource.Resource {
	var attrs []attribute.KeyValue
	add := func(key attribute.Key, text string) {
		if text != "" {
			attrs = append(attrs, key.String(text))
		}
	}
	add(semconv.ServiceNamespaceKey, key.project)
	add(semconv.ServiceNameKey, key.service)
	add(semconv.HostNameKey, key.host)
	return resource.NewSchemaless(attrs...)
}
