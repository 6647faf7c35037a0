package tags_test

import (
	"path/filepath"
	"testing"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// FuzzInfo converts any two texts as start and stop. Texts that are valid infos must be
// restored. Other texts must only do no harm, such as a panic.
func FuzzInfo(f *testing.F) {
	for _, line := range linesOf(f, filepath.Join("testdata", "python_otlp.jsonl")) {
		n := osprofiler.Info(line)
		start, _ := n.Get("start")
		stop, _ := n.Get("stop")
		f.Add(start, stop)
	}
	for _, test := range startTable {
		f.Add(test.info, `{"etype": "E", "message": 2, "db": {"result": "\ud800"}}`)
	}
	f.Add(`{"db": {`, "\xff")
	f.Fuzz(func(t *testing.T, startText, stopText string) {
		start, stop := osprofiler.Info(startText), osprofiler.Info(stopText)
		valid := start.Validate() == nil && stop.Validate() == nil &&
			utf8.ValidString(startText) && utf8.ValidString(stopText) // as in parsed notifications
		for _, c := range allConventions {
			for _, call := range allCalls {
				if valid {
					checkLaws(t, call, start, stop, c)
					continue
				}
				attrs, _ := tags.StartAttributes(nil, call, start, c)
				attrs, rest := tags.StopAttributes(attrs, call, stop, c)
				_, rest, _ = tags.FailureOfInfo(rest)
				tags.Merge(rest, tags.StartInfo(call, attrs), tags.StopInfo(call, attrs))
			}
		}
		if clean := everything.Info(start); valid && clean.Validate() != nil {
			t.Fatalf("%s was redacted to %s", start, clean)
		}
		everything.Info(stop)
	})
}

// FuzzAttributes makes infos from unchecked attributes.
func FuzzAttributes(f *testing.F) {
	f.Add("http.request.method", "GET", "url.full", "http://u@[::1]:99999/%zz?a#b")
	f.Add("db.query.parameter.0", "a", "osprofiler.db.params", "[1")
	f.Add("db.query.parameter.-1", "a", "db.statement", "\xed\xa0\x80")
	f.Add("rpc.service", "", "http.host", "]:[")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		attrs := []attribute.KeyValue{attribute.String(key1, value1), attribute.String(key2, value2), attribute.Int(key1, 7)}
		for kind := trace.SpanKindUnspecified; kind <= trace.SpanKindConsumer; kind++ {
			call := tags.CallOfSpan(kind, attrs)
			call.Operation(attrs)
			for _, info := range []osprofiler.Info{tags.StartInfo(call, attrs), tags.StopInfo(call, attrs)} {
				if info != "" && info.Validate() != nil {
					t.Fatalf("%v makes %q", attrs, info)
				}
			}
		}
		everything.Attributes(attrs)
	})
}
