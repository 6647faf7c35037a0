package interop

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// jaegerCounts are the numbers of equal tags, cut tags and failed spans.
type jaegerCounts struct{ tags, cut, failed int }

// jaegerKey names a span.
type jaegerKey struct{ trace, span string }

// compareJaeger compares spans of one trace with those of Jaeger, span by span.
func compareJaeger(t *testing.T, j *testenv.JaegerServer, route jaegerRoute, spans []sdktrace.ReadOnlySpan) (c jaegerCounts) {
	t.Helper()
	stored := j.AwaitTrace(spans[0].SpanContext().TraceID().String(), len(spans))
	byKey := map[jaegerKey]*testenv.JaegerSpan{}
	for i := range stored.Spans {
		s := &stored.Spans[i]
		byKey[jaegerKey{s.TraceID, s.SpanID}] = s
	}
	if len(stored.Spans) != len(spans) || len(byKey) != len(spans) {
		t.Errorf("Jaeger has %d spans with %d ids, of %d", len(stored.Spans), len(byKey), len(spans))
	}
	for _, s := range spans {
		got := byKey[jaegerKey{s.SpanContext().TraceID().String(), s.SpanContext().SpanID().String()}]
		if got == nil {
			t.Errorf("Jaeger has no span %s %q", s.SpanContext().SpanID(), s.Name())
			continue
		}
		process := stored.Processes[got.ProcessID]
		problems := &differences{route: route}
		problems.span(got, s)
		problems.process(&process, s)
		if len(problems.all) > 0 {
			t.Errorf("span %s %q: %.2000s", got.SpanID, s.Name(), strings.Join(problems.all, "; "))
		}
		c.tags, c.cut = c.tags+problems.equal, c.cut+problems.cut
		if s.Status().Code == codes.Error {
			c.failed++
		}
	}
	return c
}

// differences collects the differences between a span and the span that Jaeger has.
type differences struct {
	route jaegerRoute
	all   []string
	equal int // tags and fields
	cut   int // those of them that were cut to fit into a datagram
}

func (d *differences) compare(what string, got, want any) {
	if got != want {
		d.all = append(d.all, fmt.Sprintf("%s is %.200v, not %.200v", what, got, want))
	}
}

func (d *differences) span(got *testenv.JaegerSpan, s sdktrace.ReadOnlySpan) {
	parent := ""
	if s.Parent().SpanID().IsValid() {
		parent = s.Parent().SpanID().String()
	}
	d.compare("the parent", got.Parent(), parent)
	d.compare("the name", got.Operation, s.Name())
	d.compare("the start", got.StartTime, s.StartTime().UnixMicro())
	duration := s.EndTime().Sub(s.StartTime()).Microseconds() // Jaeger keeps the nanoseconds of OTLP
	if d.route.thrift {
		duration = s.EndTime().UnixMicro() - s.StartTime().UnixMicro()
	}
	d.compare("the duration", got.Duration, duration)
	want := expectedTags(s)
	d.trimmed(got, want)
	d.tags("tag", got.Tags, want, d.mayHave(s))
	d.events(got.Logs, s)
	d.links(got, s)
}

// expectedTags returns the tags that a span has after every route.
func expectedTags(s sdktrace.ReadOnlySpan) map[string]attribute.Value {
	want := map[string]attribute.Value{}
	for _, kv := range s.Attributes() {
		want[string(kv.Key)] = kv.Value
	}
	if kind := s.SpanKind(); kind != oteltrace.SpanKindUnspecified {
		want["span.kind"] = attribute.StringValue(kind.String())
	}
	text := func(key, value string) {
		if value != "" {
			want[key] = attribute.StringValue(value)
		}
	}
	text("otel.scope.name", s.InstrumentationScope().Name)
	text("otel.scope.version", s.InstrumentationScope().Version)
	text("w3c.tracestate", s.SpanContext().TraceState().String())
	text("otel.status_description", s.Status().Description)
	switch s.Status().Code {
	case codes.Error:
		want["error"] = attribute.BoolValue(true)
		text("otel.status_code", "ERROR")
	case codes.Ok:
		text("otel.status_code", "OK")
	}
	return want
}

// mayHave returns the names of more tags that a span may have after its route: the tags of
// Python's drivers, and the tags for fields of OTLP that Jaeger drops.
func (d *differences) mayHave(s sdktrace.ReadOnlySpan) []string {
	names := []string{"internal.span.format", "@jaeger@format"} // Jaeger's own
	if s.StartTime().UnixMicro() == s.EndTime().UnixMicro() {
		names = append(names, "InvalidNegativeDuration") // a tag of Jaeger 1.76 for spans that take no time
	}
	if !d.route.thrift {
		return names
	}
	names = append(names, "otel.scope.schema_url", "otel.dropped_attributes_count", "otel.dropped_events_count", "otel.dropped_links_count")
	if convert.OfNotifications(s) {
		names = append(names, "db.statement", "db.params", "http.path", "http.query", "http.method", "http.scheme", "http.hostname", "http.port",
			"args", "kwargs", "name", "result", "status_code")
	}
	return names
}

// trimmed replaces the values that were too large for a datagram by their beginning. The
// span has a tag that names the first of them.
func (d *differences) trimmed(got *testenv.JaegerSpan, want map[string]attribute.Value) {
	list, ok := got.Tag("osprofiler.trimmed").(string)
	if !ok || !d.route.udp {
		return
	}
	want["osprofiler.trimmed"] = attribute.StringValue(list)
	for key, value := range want {
		text, _ := got.Tag(key).(string)
		start, cut := strings.CutSuffix(text, "…")
		if cut && text != value.String() && len(start) > 100 && strings.HasPrefix(value.String(), start) {
			want[key] = attribute.StringValue(text)
			d.cut++
		}
	}
}

func (d *differences) process(got *testenv.JaegerProcess, s sdktrace.ReadOnlySpan) {
	want := map[string]attribute.Value{}
	for _, kv := range s.Resource().Attributes() {
		want[string(kv.Key)] = kv.Value
	}
	service := want["service.name"].AsString()
	if project := want["service.namespace"].AsString(); project != "" && convert.OfNotifications(s) {
		want["osprofiler.service"] = attribute.StringValue(service)
		service = project + "-" + service
	}
	delete(want, "service.name")
	d.compare("the service", got.Service, service)
	d.tags("process tag", got.Tags, want, []string{"otel.resource.schema_url"})
}

func (d *differences) events(got []testenv.JaegerLog, s sdktrace.ReadOnlySpan) {
	events := slices.Clone(s.Events())
	d.compare("the number of logs", len(got), len(events))
	if len(got) != len(events) {
		return
	}
	for i, e := range events {
		d.compare("the time of a log", got[i].Timestamp, e.Time.UnixMicro())
		want := map[string]attribute.Value{"event": attribute.StringValue(e.Name)}
		for _, kv := range e.Attributes {
			want[string(kv.Key)] = kv.Value
		}
		var more []string
		if d.route.thrift {
			more = []string{"error.kind", "message", "otel.event.dropped_attributes_count"}
		}
		d.tags("field", got[i].Fields, want, more)
	}
}

func (d *differences) links(got *testenv.JaegerSpan, s sdktrace.ReadOnlySpan) {
	var references, links []string
	for _, r := range got.References {
		if r.Type == "FOLLOWS_FROM" {
			references = append(references, r.TraceID+" "+r.SpanID)
		}
	}
	for _, link := range s.Links() {
		links = append(links, link.SpanContext.TraceID().String()+" "+link.SpanContext.SpanID().String())
	}
	d.compare("the links", strings.Join(references, ", "), strings.Join(links, ", "))
}

// tags compares tags. Jaeger may also have the tags whose names are in more.
func (d *differences) tags(what string, got []testenv.JaegerTag, want map[string]attribute.Value, more []string) {
	seen := map[string]bool{}
	for _, tag := range got {
		if seen[tag.Key] {
			d.all = append(d.all, fmt.Sprintf("%s %s is there twice", what, tag.Key))
		}
		seen[tag.Key] = true
		value, ok := want[tag.Key]
		switch {
		case !ok && !slices.Contains(more, tag.Key):
			d.all = append(d.all, fmt.Sprintf("%s %s is new", what, tag.Key))
		case ok:
			if equalTag(tag, value) {
				d.equal++
			} else {
				d.all = append(d.all, fmt.Sprintf("%s %s is %s %.300v, not %s %.300v", what, tag.Key, tag.Type, tag.Value, value.Type(), value.String()))
			}
		}
	}
	for key := range want {
		if !seen[key] {
			d.all = append(d.all, fmt.Sprintf("%s %s is missing", what, key))
		}
	}
}

// equalTag reports whether a tag has the type and the value of an attribute. Jaeger has
// lists and maps as texts in JSON.
func equalTag(tag testenv.JaegerTag, value attribute.Value) bool {
	text := fmt.Sprint(tag.Value)
	switch value.Type() {
	case attribute.BOOL:
		return tag.Type == "bool" && tag.Value == value.AsBool()
	case attribute.INT64:
		return tag.Type == "int64" && text == strconv.FormatInt(value.AsInt64(), 10)
	case attribute.FLOAT64:
		f, err := strconv.ParseFloat(text, 64)
		return tag.Type == "float64" && err == nil && f == value.AsFloat64()
	case attribute.BYTESLICE:
		if len(value.AsByteSlice()) == 0 {
			return tag.Type == "binary" && (tag.Value == nil || text == "")
		}
		return tag.Type == "binary" && text == base64.StdEncoding.EncodeToString(value.AsByteSlice())
	case attribute.STRING:
		return tag.Type == "string" && tag.Value == value.AsString()
	}
	var a, b any
	return tag.Type == "string" && json.Unmarshal([]byte(text), &a) == nil && json.Unmarshal([]byte(value.String()), &b) == nil && fmt.Sprint(a) == fmt.Sprint(b)
}
