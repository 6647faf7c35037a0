package jaeger

import (
	"strconv"
	"sync"

	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A pythonTag is a tag of the Python library's create_span_tags: the member of the info,
// and the member within it.
type pythonTag struct {
	tag, member string
	dumped      bool // the value is written as JSON
}

// pythonStarts are the tags for the start of an operation. Only the first member that
// the info has is looked at. The tags of requests are those of Python's driver for OTLP,
// because its driver for Jaeger is older than this member.
var pythonStarts = []struct {
	call string
	tags []pythonTag
}{
	{"db", []pythonTag{{tag: "db.statement", member: "statement"}, {tag: "db.params", member: "params", dumped: true}}},
	{"request", []pythonTag{
		{tag: "http.path", member: "path"}, {tag: "http.query", member: "query"}, {tag: "http.method", member: "method"}, {tag: "http.scheme", member: "scheme"},
	}},
	{"requests", []pythonTag{
		{tag: "http.path", member: "path"}, {tag: "http.query", member: "query"}, {tag: "http.method", member: "method"}, {tag: "http.scheme", member: "scheme"},
		{tag: "http.hostname", member: "hostname"}, {tag: "http.port", member: "port"},
	}},
	{"function", []pythonTag{{tag: "args", member: "args"}, {tag: "kwargs", member: "kwargs"}, {tag: "name", member: "name"}}},
}

// pythonStops are the tags for the stop of an operation.
var pythonStops = []struct {
	call string
	tag  pythonTag
}{
	{"db", pythonTag{tag: "result", member: "result"}},
	{"function", pythonTag{tag: "result", member: "result"}},
	{"requests", pythonTag{tag: "status_code", member: "status_code"}},
}

var converter = sync.OnceValue(func() *convert.Converter { return convert.New() })

// addPython adds the tags and the log fields that the Python library's drivers send for
// the notifications of a span, so that searches and dashboards made for them find our
// spans too. An attribute of the span with the same name stays.
func addPython(out *jaeger.Span, s sdktrace.ReadOnlySpan) {
	for _, n := range converter().Append(nil, convert.Both, s) {
		if n.Half() == osprofiler.Start {
			out.Tags = addPythonStart(out.Tags, n.Info)
			continue
		}
		for _, stop := range pythonStops {
			if member, ok := filledMember(n.Info, stop.call); ok {
				out.Tags = addPythonTag(out.Tags, member, stop.tag)
			}
		}
		if n.Info.Failed() {
			out.Tags = setTag(out.Tags, boolTag("error", true))
			addPythonLog(out, n.Info)
		}
	}
}

func addPythonStart(tags []*jaeger.Tag, info osprofiler.Info) []*jaeger.Tag {
	for _, start := range pythonStarts {
		member, ok := filledMember(info, start.call)
		if !ok {
			continue
		}
		for _, tag := range start.tags {
			tags = addPythonTag(tags, member, tag)
		}
		return tags
	}
	return tags
}

// filledMember returns a member of the info that is an object with members. Python takes
// an empty one for none.
func filledMember(info osprofiler.Info, key string) (raw string, ok bool) {
	if raw, ok = info.Get(key); !ok || pyjson.KindOf(raw) != pyjson.Object {
		return "", false
	}
	for range pyjson.Members(raw) {
		return raw, true
	}
	return "", false
}

func addPythonTag(tags []*jaeger.Tag, object string, p pythonTag) []*jaeger.Tag {
	raw, ok := pyjson.Get(object, p.member)
	if !ok {
		return tags
	}
	if p.dumped {
		return addTag(tags, textTag(p.tag, raw))
	}
	if tag := tagOfJSON(p.tag, raw); tag != nil {
		return addTag(tags, tag)
	}
	return tags
}

// tagOfJSON returns a tag for a value in JSON, or nil for null.
func tagOfJSON(key, raw string) *jaeger.Tag {
	switch pyjson.KindOf(raw) {
	case pyjson.Null:
		return nil
	case pyjson.String:
		text, _ := pyjson.Text(raw)
		return textTag(key, text)
	case pyjson.Bool:
		value, err := strconv.ParseBool(raw)
		if err != nil {
			return textTag(key, raw)
		}
		return boolTag(key, value)
	case pyjson.Number:
		return numberTag(key, raw)
	}
	return textTag(key, raw)
}

// addPythonLog adds the fields error.kind and message to the log of the failure. Python's
// driver for Jaeger sends them as two logs, the one for OTLP as one.
func addPythonLog(out *jaeger.Span, info osprofiler.Info) {
	kind, message := textTag("error.kind", info.Text("etype")), textTag("message", info.Text("message"))
	for _, log := range out.Logs {
		if isException(log) {
			log.Fields = addTag(addTag(log.Fields, kind), message)
			return
		}
	}
	out.Logs = append(out.Logs, &jaeger.Log{Timestamp: out.StartTime + out.Duration, Fields: []*jaeger.Tag{textTag(eventKey, "log"), kind, message}})
}

func isException(log *jaeger.Log) bool {
	for _, field := range log.Fields {
		if field.Key == eventKey && field.VStr != nil && *field.VStr == "exception" {
			return true
		}
	}
	return false
}
