package tags_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

func TestFailureOfInfo(t *testing.T) {
	for _, test := range []struct {
		info osprofiler.Info
		f    tags.Failure
		rest osprofiler.Info
		ok   bool
	}{
		{`{"etype": "KeyError", "message": "'k\u00e9y'", "host": "h"}`, tags.Failure{Type: "KeyError", Message: "'kéy'"}, `{"host": "h"}`, true},
		{`{"etype": "E", "message": ""}`, tags.Failure{Type: "E"}, `{}`, true},
		{`{"etype": "E", "message": null}`, tags.Failure{Type: "E"}, `{"etype": "E", "message": null}`, true},
		{`{"etype": "E", "message": 2}`, tags.Failure{Type: "E", Message: "2"}, `{"etype": "E", "message": 2}`, true},
		{`{"etype": "E", "message": {"a":1}}`, tags.Failure{Type: "E", Message: `{"a": 1}`}, `{"etype": "E", "message": {"a":1}}`, true},
		{`{"etype": "E"}`, tags.Failure{Type: "E"}, `{"etype": "E"}`, true},
		{`{"etype": "", "message": "m"}`, tags.Failure{Type: "Error", Message: "m"}, `{"etype": "", "message": "m"}`, true},
		{`{"etype": ["x"], "message": "m"}`, tags.Failure{Type: `["x"]`, Message: "m"}, `{"etype": ["x"], "message": "m"}`, true},
		{`{"etype": "\udc00", "message": "m"}`, tags.Failure{Type: "\uFFFD", Message: "m"}, `{"etype": "\udc00", "message": "m"}`, true},
		{`{"etype": null, "message": "m"}`, tags.Failure{}, `{"etype": null, "message": "m"}`, false},
		{`{"message": "m"}`, tags.Failure{}, `{"message": "m"}`, false},
		{"", tags.Failure{}, "", false},
	} {
		f, rest, ok := tags.FailureOfInfo(test.info)
		if f != test.f || rest != test.rest || ok != test.ok || ok != test.info.Failed() {
			t.Errorf("%s: got %q, rest %s, %v", test.info, f, rest, ok)
		}
	}
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func exception(after time.Duration, pairs ...string) sdktrace.Event {
	return sdktrace.Event{Name: "exception", Time: noon.Add(after), Attributes: attrsOf(pairs...)}
}

func TestFailureOfSpan(t *testing.T) {
	failed := sdktrace.Status{Code: codes.Error, Description: "said so"}
	events := func(e ...sdktrace.Event) []sdktrace.Event { return e }
	for _, test := range []struct {
		name   string
		status sdktrace.Status
		attrs  []attribute.KeyValue
		events []sdktrace.Event
		f      tags.Failure
		ok     bool
	}{
		{"fine", sdktrace.Status{}, attrsOf("a=b"), events(sdktrace.Event{Name: "x"}), tags.Failure{}, false},
		{"status alone", failed, nil, nil, tags.Failure{Type: "Error", Message: "said so"}, true},
		{"bare status", sdktrace.Status{Code: codes.Error}, nil, nil, tags.Failure{Type: "Error"}, true},
		{"type alone", sdktrace.Status{}, attrsOf("error.type=500"), nil, tags.Failure{Type: "500"}, true},
		{"type and status", failed, attrsOf("error.type=500"), nil, tags.Failure{Type: "500", Message: "said so"}, true},
		{"exception", failed, attrsOf("error.type=x"), events(exception(0, "exception.type=*errors.E", "exception.message=m")), tags.Failure{Type: "*errors.E", Message: "m"}, true},
		{"exception that was handled", sdktrace.Status{}, nil, events(exception(0, "exception.type=E")), tags.Failure{}, false},
		{"HTTP status code", failed, []attribute.KeyValue{attribute.Int("http.response.status_code", 503)}, nil, tags.Failure{Type: "503", Message: "said so"}, true},
		{"older HTTP status code", failed, []attribute.KeyValue{attribute.Int("http.status_code", 404)}, nil, tags.Failure{Type: "404", Message: "said so"}, true},
		{"a good status code tells no type", failed, []attribute.KeyValue{attribute.Int("http.status_code", 200)}, nil, tags.Failure{Type: "Error", Message: "said so"}, true},
		{"exception without a type", failed, attrsOf("error.type=x"), events(exception(0, "exception.message=m")), tags.Failure{Type: "x", Message: "m"}, true},
		{"exception without a message", failed, nil, events(exception(0, "exception.type=E")), tags.Failure{Type: "E", Message: "said so"}, true},
		{"newest", failed, nil, events(exception(2, "exception.type=B"), exception(1, "exception.type=A", "exception.message=a")), tags.Failure{Type: "B", Message: "said so"}, true},
		{"equally new", failed, nil, events(exception(1, "exception.type=A"), exception(1, "exception.type=B")), tags.Failure{Type: "B", Message: "said so"}, true},
		{"the Python library's", sdktrace.Status{}, []attribute.KeyValue{attribute.Bool("error", true)},
			events(sdktrace.Event{Name: "log", Attributes: attrsOf("error.kind=E", "message=m")}), tags.Failure{Type: "E", Message: "m"}, true},
		{"another log", sdktrace.Status{}, nil, events(sdktrace.Event{Name: "log", Attributes: attrsOf("message=m")}), tags.Failure{}, false},
		{"OpenTracing's", sdktrace.Status{}, []attribute.KeyValue{attribute.Bool("error", true)}, nil, tags.Failure{Type: "Error"}, true},
		{"error that is false", sdktrace.Status{}, []attribute.KeyValue{attribute.Bool("error", false)}, nil, tags.Failure{}, false},
		{"declared fine", sdktrace.Status{Code: codes.Ok}, attrsOf("error.type=x"), events(exception(0, "exception.type=E")), tags.Failure{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, ok := tags.FailureOfSpan(test.status, test.attrs, test.events)
			if f != test.f || ok != test.ok {
				t.Errorf("got %q, %v", f, ok)
			}
		})
	}
}

func TestFailureSaysItself(t *testing.T) {
	f := tags.Failure{Type: "E", Message: "bö\"m"}
	if got := f.Info(); got != `{"etype": "E", "message": "b\u00f6\"m"}` {
		t.Error(got)
	}
	both := f.Events(noon, tags.Both)
	if len(both) != 2 || both[0].Name != "log" || both[1].Name != "exception" || !both[1].Time.Equal(noon) {
		t.Error(both)
	}
	if diff := cmp.Diff(map[string]any{"error.type": "E", "error": true}, asMap(t, f.Attributes(tags.Both))); diff != "" {
		t.Error(diff)
	}
	if s := f.Status(); s.Code != codes.Error || s.Description != f.Message {
		t.Error(s)
	}
}
