package convert_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// The SDK's limits also cut our own texts. The notifications stay valid. Otherwise a whole
// batch would be refused because of one span.
func TestCutOffAttributesStayValid(t *testing.T) {
	for _, scope := range []string{convert.ProfilerScopeName, convert.ScopeName} {
		stub := tracetest.SpanStubFromReadOnlySpan(typical())
		stub.InstrumentationScope = instrumentation.Scope{Name: scope}
		stub.Attributes = []attribute.KeyValue{
			convert.StartInfoKey.String(`{"a": "s3cr3t cut o`), convert.StopInfoKey.String("{\"a\":\n1}"),
			convert.StartKey.String(`{"name": "s3cr3t`), convert.StopKey.String("null"),
		}
		notifications := convert.New().Append(nil, convert.Both, stub.Snapshot())
		redacted := convert.New(convert.WithRedaction(tags.Redaction{FunctionArgs: true})).Append(nil, convert.Both, stub.Snapshot())
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

// A span never becomes a notification of another trace, whatever its attributes contain.
func TestKeptTextOfAnotherTrace(t *testing.T) {
	stub := tracetest.SpanStubFromReadOnlySpan(typical())
	stub.InstrumentationScope = instrumentation.Scope{Name: convert.ScopeName}
	victim := `{"name": "evil-start", "base_id": "11111111-1111-4111-8111-111111111111", "trace_id": "t", "info": {}}`
	stub.Attributes = []attribute.KeyValue{convert.StartKey.String(victim)}
	for _, n := range convert.New().Append(nil, convert.Both, stub.Snapshot()) {
		if osprofiler.TraceIDOf(n.BaseID) != stub.SpanContext.TraceID() {
			t.Errorf("a notification of another trace: %s", n.JSON())
		}
	}
}

// An unsigned trace state member may contain any bytes. Bytes that are not UTF-8 are ignored.
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

// After redaction, a carried span still counts as made from notifications.
func TestRedactedCarriedSpanIsOfNotifications(t *testing.T) {
	pair := convert.New().Append(nil, convert.Both, typical())
	s := convert.New(convert.WithRedaction(tags.Redaction{DBParams: true})).SpanOf(&pair[0], &pair[1])
	if !convert.OfNotifications(s) {
		t.Error("a processor would take it for a live span")
	}
}

// Notifications with any texts make spans that OTLP accepts, and are restored from these spans
// unchanged. A span that OTLP refuses would make the exporter lose its whole batch, and send
// it again for ever.
func TestAnyNotificationIsASpanForOTLP(t *testing.T) {
	text := rapid.SampledFrom([]string{`x`, `\ud800`, `a\udfff\ud800b`, `\ud83d\ude00`, `\u0000`, `é`, ``})
	info := rapid.SampledFrom([]string{
		`{"host": "TEXT"}`, `{"host": "h", "db": {"statement": "TEXT", "params": {"TEXT": "TEXT"}}}`, `{"TEXT": "TEXT", "host": "h"}`,
		`{"host": "h", "request": {"path": "/TEXT", "query": "TEXT", "method": "GETTEXT", "scheme": "httpTEXT"}}`,
		`{"host": "h", "etype": "TEXT", "message": "TEXT"}`, `{"host": "h", "function": {"name": "TEXT", "args": "TEXT", "kwargs": "{}"}}`,
		`{"host": "h", "requests": {"hostname": "TEXT", "port": "TEXT", "method": "TEXT", "path": "TEXT", "query": "TEXT", "scheme": "TEXT"}}`,
	})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) string { return text.Draw(t, label) }
		name, ids := draw("name"), fmt.Sprintf(`"base_id": "b%s", "trace_id": "t%s", "parent_id": "p%s"`, draw("base"), draw("trace"), draw("parent"))
		who := fmt.Sprintf(`"project": "p%s", "service": "s%s"`, draw("project"), draw("service"))
		var pair []osprofiler.Notification
		for _, half := range []string{"start", "stop"} {
			n, err := osprofiler.ParseNotification(fmt.Sprintf(`{"name": "op%s-%s", %s, "timestamp": "2026-11-22T07:16:34.200431", "info": %s, %s}`,
				name, half, ids, strings.ReplaceAll(info.Draw(t, "info"), "TEXT", draw("value")), who))
			if err != nil {
				t.Fatal(err)
			}
			pair = append(pair, n)
		}
		checkPair(t, pair)
		checkPair(t, pair[:1])
		for _, s := range []sdktrace.ReadOnlySpan{convert.SpanOf(&pair[0], &pair[1]), convert.SpanOf(&pair[0], nil), convert.SpanOf(nil, &pair[1])} {
			if _, err := proto.Marshal(otlpOf(t, s)); err != nil {
				t.Fatalf("%v: %s", err, pair[0].JSON())
			}
		}
	})
}
