package convert_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// What is to be redacted stands nowhere afterwards, whichever way it went.
func TestRedactionReachesEverything(t *testing.T) {
	const secret = "s3cr3t"
	all := convert.New(convert.WithRedaction(tags.Redaction{DBParams: true, FunctionArgs: true, FunctionResult: true}))
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
