package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// After redaction, no output contains the sensitive values, whichever conversions were done.
func TestRedactionReachesEverything(t *testing.T) {
	const secret = "s3cr3t"
	all := convert.New(convert.WithRedaction(tags.Redaction{DBParams: true, FunctionArgs: true, FunctionResult: true, SQLLiterals: true}))
	plain := convert.New()
	stub := tracetest.SpanStubFromReadOnlySpan(typical())
	stub.Attributes = []attribute.KeyValue{
		attribute.String("db.query.text", "SELECT ?"),
		attribute.String("db.query.parameter.0", secret),
		attribute.String("osprofiler.db.params", `["`+secret+`"]`),
		convert.StartInfoKey.String(`{"function": {"name": "f", "args": "` + secret + `", "kwargs": ""}}`),
	}
	stub.Status = sdktrace.Status{Code: codes.Error, Description: "bad [parameters: ('" + secret + "',)]"}
	stub.Events = []sdktrace.Event{{Name: "exception", Attributes: []attribute.KeyValue{
		attribute.String("exception.type", "E"), attribute.String("exception.message", "bad [parameters: ('"+secret+"',)]"),
	}}}
	stub.Links = []sdktrace.Link{{Attributes: []attribute.KeyValue{attribute.String("db.params", secret)}}}
	span := stub.Snapshot()
	for _, n := range all.Append(nil, convert.Both, span) {
		if strings.Contains(n.JSON(), secret) {
			t.Errorf("of a span: %s", n.JSON())
		}
	}
	carrying := plain.Append(nil, convert.Both, span)
	foreign := []osprofiler.Notification{carrying[0], carrying[1]}
	foreign[0].Info = `{"db": {"statement": "SELECT 1", "params": {"p": "` + secret + `"}, "more": 1}, "extra": 2}`
	foreign[1].Info = `{"function": {"result": "` + secret + `"}, "message": "[parameters: ` + secret + `]", "etype": "E", "host": "h2"}`
	for _, pair := range [][]osprofiler.Notification{carrying, foreign} {
		redacted := all.SpanOf(&pair[0], &pair[1])
		for _, n := range append(plain.Append(nil, convert.Both, redacted), all.Append(nil, convert.Both, plain.SpanOf(&pair[0], &pair[1]))...) {
			if strings.Contains(n.JSON(), secret) {
				t.Errorf("of notifications: %s", n.JSON())
			}
		}
	}
}

// With some instrumentation, the statement of a span is also in its name.
func TestRedactLiterals(t *testing.T) {
	c := convert.New(convert.WithRedaction(tags.Redaction{SQLLiterals: true}))
	const statement = "SELECT * FROM t WHERE a = 'secret' AND b = $1"
	span := tracetest.SpanStub{Name: "query " + statement, SpanKind: trace.SpanKindClient, Attributes: []attribute.KeyValue{
		attribute.String("db.system.name", "postgresql"), attribute.String("db.query.text", statement),
	}}.Snapshot()
	for _, n := range c.Append(nil, convert.Both, span) {
		if text := n.JSON(); strings.Contains(text, "secret") || n.Half() == osprofiler.Start && !strings.Contains(text, "a = *** AND b = $1") {
			t.Error(text)
		}
	}
}

// A stop has no statement. A span may have no statement, or one that differs from its name.
func TestRedactNames(t *testing.T) {
	by := tags.Redaction{SQLLiterals: true}
	for name, want := range map[string]string{
		"SELECT 'secret', $1": "SELECT ***, $1", "/* a */ select \"secret\"": "/* *** */ select ***", "DELETE FROM t WHERE a=5": "DELETE FROM t WHERE a=***",
		"DELETE /v2.1/users/5": "DELETE /v2.1/users/5", "wsgi 5": "wsgi 5", "selected 5": "selected 5",
	} {
		for _, suffix := range []string{"-start", "-stop"} {
			n := osprofiler.Notification{Name: name + suffix, Info: `{"host": "h"}`}
			if got := convert.RedactedNotification(&n, by); got.Name != want+suffix || got.Info != n.Info {
				t.Errorf("%q becomes %q", n.Name, got.Name)
			}
		}
		span := tracetest.SpanStub{Name: name, Attributes: []attribute.KeyValue{attribute.String("db.query.text", name+" ")}}
		for range 2 {
			for _, n := range convert.New(convert.WithSpanNames(), convert.WithRedaction(by)).Append(nil, convert.Both, span.Snapshot()) {
				if text := n.JSON(); strings.Contains(text, "secret") || strings.TrimSuffix(strings.TrimSuffix(n.Name, "-start"), "-stop") != want {
					t.Errorf("%q: %s", name, text)
				}
			}
			span.Attributes = nil
		}
	}
	halves := []osprofiler.Notification{
		{Name: "SELECT 'secret'-start", Info: `{"db": {"statement": "SELECT 'secret'"}}`},
		{Name: "SELECT 'secret'-stop", Info: `{"host": "h"}`},
	}
	span := convert.New(convert.WithSpanNames(), convert.WithRedaction(by)).SpanOf(&halves[0], &halves[1])
	if text := fmt.Sprint(span.Name(), span.Attributes()); strings.Contains(text, "secret") || span.Name() != "SELECT ***" {
		t.Error(text)
	}
}

// A notification that is moved from store to store also carries its span. The span is
// redacted, too.
func TestRedactedNotification(t *testing.T) {
	const secret = "s3cr3t"
	by := tags.Redaction{DBParams: true, SQLLiterals: true}
	c := convert.New(convert.WithSpanNames())
	const statement = "SELECT '" + secret + "'"
	span := tracetest.SpanStub{Name: "query " + statement, SpanKind: trace.SpanKindClient, Attributes: []attribute.KeyValue{
		attribute.String("db.query.text", statement), attribute.String("db.query.parameter.0", secret), attribute.String("x", "kept"),
	}}.Snapshot()
	clean := convert.New(convert.WithSpanNames(), convert.WithRedaction(by)).Append(nil, convert.Both, span)
	for i, n := range c.Append(nil, convert.Both, span) {
		got := stored(t, convert.RedactedNotification(&n, by))
		if !strings.Contains(n.JSON(), secret) || strings.Contains(got.JSON(), secret) || !got.Equal(clean[i]) {
			t.Errorf("%s\nnot\n%s", got.JSON(), clean[i].JSON())
		}
		if same := convert.RedactedNotification(&n, tags.Redaction{}); !same.Equal(n) {
			t.Error(same.JSON())
		}
	}
	odd := osprofiler.Notification{Name: "db-stop", Info: `{"otel": "{\"x\": \"` + secret + `\"}", "host": "h"}`}
	if got := convert.RedactedNotification(&odd, by); got.Info != `{"host": "h"}` {
		t.Error(got.Info)
	}
}
