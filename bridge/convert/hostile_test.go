package convert_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// The SDK's limits cut texts off, ours too. The notifications stay valid, or a
// whole batch would be refused for one span.
func TestCutOffAttributesStayValid(t *testing.T) {
	for _, scope := range []string{convert.ProfilerScopeName, convert.ScopeName} {
		stub := tracetest.SpanStubFromReadOnlySpan(typical())
		stub.InstrumentationScope = instrumentation.Scope{Name: scope}
		stub.Attributes = []attribute.KeyValue{
			convert.StartInfoKey.String(`{"a": "s3cr3t cut o`), convert.StopInfoKey.String("{\"a\":\n1}"),
			convert.StartKey.String(`{"name": "s3cr3t`), convert.StopKey.String("null"),
		}
		notifications := convert.New().Append(nil, stub.Snapshot())
		redacted := convert.New(convert.WithRedaction(tags.Redaction{FunctionArgs: true})).Append(nil, stub.Snapshot())
		for _, n := range append(notifications, redacted...) {
			if err := n.Validate(); err != nil {
				t.Errorf("%s: %v", scope, err)
			}
		}
		for _, n := range redacted {
			if strings.Contains(n.JSON(), "s3cr3t") {
				t.Errorf("what cannot be read cannot be redacted, so it should go: %s", n.JSON())
			}
		}
	}
}

// A span says nothing in the name of another trace, whatever it carries.
func TestKeptTextOfAnotherTrace(t *testing.T) {
	stub := tracetest.SpanStubFromReadOnlySpan(typical())
	stub.InstrumentationScope = instrumentation.Scope{Name: convert.ScopeName}
	victim := `{"name": "evil-start", "base_id": "11111111-1111-4111-8111-111111111111", "trace_id": "t", "info": {}}`
	stub.Attributes = []attribute.KeyValue{convert.StartKey.String(victim)}
	for _, n := range convert.New().Append(nil, stub.Snapshot()) {
		if osprofiler.TraceIDOf(n.BaseID) != stub.SpanContext.TraceID() {
			t.Errorf("a notification of another trace: %s", n.JSON())
		}
	}
}

// A trace state member that nobody has signed may hold any bytes.
func TestTraceStateOfNoUTF8(t *testing.T) {
	const id = "ev\xffil"
	state, err := trace.ParseTraceState("osp=" + base64.RawURLEncoding.EncodeToString([]byte(id)) + ".")
	if err != nil {
		t.Fatal(err)
	}
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: osprofiler.TraceIDOf(id), SpanID: trace.SpanID{1}, TraceState: state})
	if got := convert.BaseID(sc); got != osprofiler.BaseIDOf(sc.TraceID()) {
		t.Errorf("%q", got)
	}
}

// Redaction leaves a carried span one of ours.
func TestRedactedCarriedSpanIsOfNotifications(t *testing.T) {
	pair := convert.New().Append(nil, typical())
	s := convert.New(convert.WithRedaction(tags.Redaction{DBParams: true})).SpanOf(&pair[0], &pair[1])
	if !convert.OfNotifications(s) {
		t.Error("a processor would take it for a live span")
	}
}
