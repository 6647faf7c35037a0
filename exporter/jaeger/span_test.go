package jaeger

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/sink"
)

var (
	traceID = trace.TraceID{0x0a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	start   = time.Date(2024, 5, 6, 7, 8, 9, 123_456_789, time.UTC)
)

func contextOf(id byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: trace.SpanID{id, 7: 1}, TraceFlags: trace.FlagsSampled})
}

// text returns a tag in the form key=value, with the type unless it is a string.
func text(tag *jaeger.Tag) string {
	switch tag.VType {
	case jaeger.TagType_STRING:
		return tag.Key + "=" + *tag.VStr
	case jaeger.TagType_BOOL:
		return fmt.Sprintf("%s=bool %v", tag.Key, *tag.VBool)
	case jaeger.TagType_LONG:
		return fmt.Sprintf("%s=long %v", tag.Key, *tag.VLong)
	case jaeger.TagType_DOUBLE:
		return fmt.Sprintf("%s=double %v", tag.Key, *tag.VDouble)
	}
	return fmt.Sprintf("%s=binary %q", tag.Key, tag.VBinary)
}

func texts(tags []*jaeger.Tag) string {
	var all []string
	for _, tag := range tags {
		all = append(all, text(tag))
	}
	return strings.Join(all, "\n")
}

func TestSpan(t *testing.T) {
	state, err := trace.ParseTraceState("a=b,c=d")
	if err != nil {
		t.Fatal(err)
	}
	s := convert.Span{
		Name: "boot\xff", SpanContext: contextOf(0xfe).WithTraceState(state), Parent: contextOf(2), SpanKind: trace.SpanKindServer,
		StartTime: start, EndTime: start.Add(1500 * time.Microsecond),
		Attributes: []attribute.KeyValue{
			attribute.String("text", "a\xffb"), attribute.Bool("yes", true), attribute.Int64("n", math.MinInt64), attribute.Float64("f", 0.5),
			attribute.Float64("nan", math.NaN()), attribute.StringSlice("list", []string{"a", "\"b"}),
			{Key: "bytes", Value: attribute.ByteSliceValue([]byte{0, 1})}, {Key: "none"}, {Key: "map", Value: attribute.MapValue(attribute.Int("k", 1))},
			attribute.String("error", "own"),
		},
		Events: []sdktrace.Event{
			{Name: "e", Time: start.Add(time.Millisecond), Attributes: []attribute.KeyValue{attribute.Int("k", 1)}, DroppedAttributeCount: 2},
			{Name: "f", Time: start, Attributes: []attribute.KeyValue{attribute.String("event", "own")}},
		},
		Links: []sdktrace.Link{{SpanContext: contextOf(3)}}, Status: sdktrace.Status{Code: codes.Error, Description: "no host"},
		DroppedAttributes: 3, DroppedEvents: 4, DroppedLinks: 5,
		InstrumentationScope: instrumentation.Scope{Name: "lib", Version: "1", SchemaURL: "https://s", Attributes: attribute.NewSet(attribute.Int("a", 1))},
	}
	got := spanOf(s.Snapshot())
	if got.TraceIdHigh != 0x0a01020304050607 || got.TraceIdLow != 0x08090a0b0c0d0e0f || uint64(got.SpanId) != 0xfe00000000000001 || got.ParentSpanId != 0x0200000000000001 || got.Flags != 1 {
		t.Errorf("the ids are %x %x %x %x, the flags %d", got.TraceIdHigh, got.TraceIdLow, got.SpanId, got.ParentSpanId, got.Flags)
	}
	if got.OperationName != "boot\uFFFD" || got.StartTime != start.UnixMicro() || got.Duration != 1500 {
		t.Errorf("%q starts at %d and takes %d", got.OperationName, got.StartTime, got.Duration)
	}
	want := `text=a` + "\uFFFD" + `b
yes=bool true
n=long -9223372036854775808
f=double 0.5
nan=NaN
list=["a","\"b"]
bytes=binary "\x00\x01"
none=
map={"k":1}
error=bool true
otel.scope.name=lib
otel.scope.version=1
otel.scope.schema_url=https://s
otel.scope.attributes.a=long 1
span.kind=server
otel.status_code=ERROR
otel.status_description=no host
w3c.tracestate=a=b,c=d
otel.dropped_attributes_count=long 3
otel.dropped_events_count=long 4
otel.dropped_links_count=long 5`
	if tags := texts(got.Tags); tags != want {
		t.Errorf("the tags are\n%s\nwant\n%s", tags, want)
	}
	if len(got.Logs) != 2 || got.Logs[0].Timestamp != start.UnixMicro()+1000 || texts(got.Logs[0].Fields) != "event=e\nk=long 1\notel.event.dropped_attributes_count=long 2" || texts(got.Logs[1].Fields) != "event=own" {
		t.Errorf("the logs are %v", got.Logs)
	}
	if r := got.References; len(r) != 1 || r[0].RefType != jaeger.SpanRefType_FOLLOWS_FROM || r[0].SpanId != 0x0300000000000001 || r[0].TraceIdHigh != got.TraceIdHigh || r[0].TraceIdLow != got.TraceIdLow {
		t.Errorf("the references are %v", r)
	}
}

// Jaeger shows no time outside of 1970 to 2262, and no negative duration. The tags have
// the real times.
func TestTimesThatJaegerCannotShow(t *testing.T) {
	early, late := time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		start, end time.Time
		from, took int64
		tags       string
	}{
		"ordinary":         {start, start.Add(999), start.UnixMicro(), 1, ""},
		"no time":          {start, start, start.UnixMicro(), 0, ""},
		"ends before":      {start, start.Add(-time.Second), start.UnixMicro(), 0, "otel.end_time=2024-05-06T07:08:08.123456789Z"},
		"not ended":        {start, time.Time{}, start.UnixMicro(), 0, "otel.end_time=0001-01-01T00:00:00Z"},
		"before 1970":      {early, start, 0, start.UnixMicro(), "otel.start_time=1969-12-31T23:59:59Z"},
		"after 2262":       {start, late, start.UnixMicro(), latest.UnixMicro() - start.UnixMicro(), "otel.end_time=9999-01-01T00:00:00Z"},
		"both after 2262":  {late, late, latest.UnixMicro(), 0, "otel.start_time=9999-01-01T00:00:00Z\notel.end_time=9999-01-01T00:00:00Z"},
		"both before 1970": {early, early, 0, 0, "otel.start_time=1969-12-31T23:59:59Z\notel.end_time=1969-12-31T23:59:59Z"},
	} {
		s := convert.Span{StartTime: test.start, EndTime: test.end}
		got := spanOf(s.Snapshot())
		if got.StartTime != test.from || got.Duration != test.took || texts(got.Tags) != test.tags {
			t.Errorf("%s: it starts at %d and takes %d, with the tags %s", name, got.StartTime, got.Duration, texts(got.Tags))
		}
	}
}

func TestProcess(t *testing.T) {
	r := resource.NewWithAttributes("https://schema", attribute.String("service.name", "api"), attribute.String("host.name", "h"), attribute.Int("pid", 1))
	p := processOf(r)
	if p.ServiceName != "api" || texts(p.Tags) != "host.name=h\npid=long 1\notel.resource.schema_url=https://schema" {
		t.Errorf("the process is %q with %s", p.ServiceName, texts(p.Tags))
	}
	for _, r := range []*resource.Resource{nil, resource.Empty(), resource.NewSchemaless(attribute.String("service.name", ""))} {
		if p := processOf(r); p.ServiceName != "unknown_service" || p.Tags == nil {
			t.Errorf("the process of %v is %v", r, p)
		}
	}
}

// Two resources that differ only in their schema become two processes.
func TestProcessesBySchema(t *testing.T) {
	var spans []sdktrace.ReadOnlySpan
	for _, schema := range []string{"https://one", "https://two"} {
		s := convert.Span{SpanContext: contextOf(1), Resource: resource.NewWithAttributes(schema, attribute.String("service.name", "api"))}
		spans = append(spans, s.Snapshot())
	}
	if n := len(groupsOf(spans, &sink.Naming{})); n != 2 {
		t.Errorf("got %d processes", n)
	}
}

const baseID = "0a010203-0405-0607-0809-0a0b0c0d0e0f"

func notifications(name, startInfo, stopInfo string) []sdktrace.ReadOnlySpan {
	half := func(suffix, info string) *osprofiler.Notification {
		return &osprofiler.Notification{
			Name: name + suffix, BaseID: baseID, TraceID: baseID, ParentID: baseID, Timestamp: "2024-05-06T07:08:09.000010", Info: osprofiler.Info(info), Project: "nova", Service: "api",
		}
	}
	return []sdktrace.ReadOnlySpan{convert.SpanOf(half("-start", startInfo), half("-stop", stopInfo))}
}

// Spans from notifications have the tags of Python's drivers besides their own.
func TestPythonTags(t *testing.T) {
	for name, test := range map[string]struct{ start, stop, want string }{
		"db": {
			`{"host": "h", "db": {"statement": "SELECT 1", "params": {"a": [1, null]}}}`, `{"host": "h", "db": {"result": "[(1,)]"}}`,
			`db.params={"a": [1, null]}|result=[(1,)]`,
		},
		"wsgi": {
			`{"host": "h", "request": {"path": "/v3", "query": "a=b", "method": "GET", "scheme": "http"}}`, `{"host": "h"}`,
			`http.path=/v3|http.query=a=b`,
		},
		"requests": {
			`{"host": "h", "requests": {"path": "/v3", "query": "", "method": "GET", "scheme": "http", "hostname": "k", "port": 5000}}`, `{"host": "h", "requests": {"status_code": 404}}`,
			`http.path=/v3|http.query=|http.hostname=k|http.port=long 5000|status_code=long 404`,
		},
		"rpc": {
			`{"host": "h", "function": {"name": "m.f", "args": "(1,)", "kwargs": "{}"}}`, `{"host": "h", "function": {"result": "None"}}`,
			`args=(1,)|kwargs={}|name=m.f|result=None`,
		},
		"odd": {
			`{"host": "h", "function": {"name": true, "args": null, "kwargs": {"a": 1}}}`, `{"host": "h", "function": {"result": 1.5}}`,
			`name=bool true|kwargs={"a": 1}|result=double 1.5`,
		},
		"empty": {`{"host": "h", "db": {}, "function": []}`, `{"host": "h", "db": null}`, ``},
	} {
		got := spanOf(notifications("op", test.start, test.stop)[0])
		byText := map[string]bool{}
		for _, tag := range got.Tags {
			byText[text(tag)] = true
		}
		for _, want := range strings.Split(test.want, "|") {
			if want != "" && !byText[want] {
				t.Errorf("%s: the tags are\n%s\nwithout %s", name, texts(got.Tags), want)
			}
		}
		seen := map[string]bool{}
		for _, tag := range got.Tags {
			if seen[tag.Key] {
				t.Errorf("%s: the tag %s is there twice", name, tag.Key)
			}
			seen[tag.Key] = true
		}
	}
}

// A failure has Python's tag error and log fields besides the log fields of OpenTelemetry.
func TestPythonFailure(t *testing.T) {
	got := spanOf(notifications("op", `{"host": "h"}`, `{"host": "h", "etype": "ValueError", "message": "bad"}`)[0])
	if !strings.Contains(texts(got.Tags), "error=bool true") || len(got.Logs) != 1 {
		t.Fatalf("the tags are\n%s\nthe logs %v", texts(got.Tags), got.Logs)
	}
	fields := texts(got.Logs[0].Fields)
	for _, want := range []string{"event=exception", "exception.type=ValueError", "error.kind=ValueError", "message=bad"} {
		if !strings.Contains(fields, want) {
			t.Errorf("the log has the fields\n%s\nwithout %s", fields, want)
		}
	}
}

func decodeJSON(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
