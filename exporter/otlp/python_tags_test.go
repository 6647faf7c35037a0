package otlp_test

import (
	"fmt"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// ourNames are our attributes for the tags of the Python library's driver.
var ourNames = map[string]string{
	"db.statement": "db.query.text", "db.params": "osprofiler.db.params",
	"http.path": "url.path", "http.query": "url.query", "http.method": "http.request.method", "http.scheme": "url.scheme",
	"http.hostname": "server.address", "http.port": "server.port",
	"name": "code.function.name", "args": "osprofiler.function.args", "kwargs": "osprofiler.function.kwargs",
	"result": "osprofiler.function.result", "status_code": "http.response.status_code",
}

// withoutValue are the values for which our attributes are left out.
var withoutValue = map[string]string{"db.params": "{}", "http.query": ""}

// attributes returns the attributes as texts.
func attributes(list []*commonpb.KeyValue) map[string]string {
	all := map[string]string{}
	for _, kv := range list {
		switch v := kv.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			all[kv.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			all[kv.GetKey()] = fmt.Sprint(v.IntValue)
		default:
			all[kv.GetKey()] = kv.GetValue().String()
		}
	}
	return all
}

// compareTags checks that our span has what the Python driver's span has. With threads,
// that driver gives a stop to the wrong span, so the stops are not compared then.
func compareTags(t *testing.T, p, s *tracepb.Span, threads bool) {
	t.Helper()
	ours := attributes(s.GetAttributes())
	for tag, value := range attributes(p.GetAttributes()) {
		switch name, known := ourNames[tag]; {
		case tag == "error":
			if !threads && s.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
				t.Errorf("the span %q has not failed", s.GetName())
			}
		case !known:
			t.Errorf("the Python library's driver has a new tag %s=%s", tag, value)
		case threads && (tag == "result" || tag == "status_code"):
		case ours[name] != value && (ours[name] != "" || value != withoutValue[tag]):
			t.Errorf("the span %q has %s=%q, and Python's has %s=%q", s.GetName(), name, ours[name], tag, value)
		}
	}
	if !threads {
		compareFailures(t, p, s)
	}
	if p.GetKind() != s.GetKind() && s.GetName() != "rpc" { // which is a server's in our conventions
		t.Errorf("the span %q is of kind %v, want %v", s.GetName(), s.GetKind(), p.GetKind())
	}
	if name := s.GetName(); !strings.Contains(strings.ToLower(p.GetName()), name) && name != "db" && name != "http" {
		t.Errorf("the span is %q, and Python's %q", name, p.GetName())
	}
}

// compareFailures compares the event "log" of the Python driver.
func compareFailures(t *testing.T, p, s *tracepb.Span) {
	t.Helper()
	ours := attributes(s.GetAttributes())
	for _, event := range p.GetEvents() {
		failure := attributes(event.GetAttributes())
		if ours["error.type"] != failure["error.kind"] {
			t.Errorf("the span %q has the error %q, want %q", s.GetName(), ours["error.type"], failure["error.kind"])
		}
		if isText := event.GetAttributes()[1].GetValue().GetStringValue() != ""; isText && s.GetStatus().GetMessage() != failure["message"] {
			t.Errorf("the span %q has the message %q, want %q", s.GetName(), s.GetStatus().GetMessage(), failure["message"])
		}
	}
}
