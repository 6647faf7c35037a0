package convert_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// osloSpans returns the spans that oslo.middleware 8.2.0 and oslo.messaging 18.3.1 sent by
// OTLP for two requests of one service. One request calls and casts to an RPC server, and the
// call of the other one fails. The protobuf is written as OTLP/JSON, and the paths in the
// stack trace were replaced.
func osloSpans(t *testing.T) (spans []sdktrace.ReadOnlySpan) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "oslo-2026.2.otlp.json"))
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		ResourceSpans []struct {
			Resource   json.RawMessage `json:"resource"`
			ScopeSpans []struct {
				Scope json.RawMessage   `json:"scope"`
				Spans []json.RawMessage `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	if err := json.Unmarshal(text, &data); err != nil {
		t.Fatal(err)
	}
	for _, r := range data.ResourceSpans {
		for _, scope := range r.ScopeSpans {
			for _, span := range scope.Spans {
				one := map[string]any{"resourceSpans": []any{map[string]any{
					"resource": r.Resource, "scopeSpans": []any{map[string]any{"scope": scope.Scope, "spans": []any{span}}}}}}
				spans = append(spans, spanOfJSON(t, span, one))
			}
		}
	}
	return spans
}

// spanOfJSON reads a span that the stop of a notification carries.
func spanOfJSON(t *testing.T, span json.RawMessage, data any) sdktrace.ReadOnlySpan {
	t.Helper()
	var ids struct{ TraceID, SpanID string }
	if err := json.Unmarshal(span, &ids); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	s := convert.SpanOf(nil, &osprofiler.Notification{
		Name: "x-stop", BaseID: ids.TraceID, TraceID: strings.Repeat("0", 16) + ids.SpanID, ParentID: ids.TraceID, Timestamp: "2026-11-26T13:33:00.000000",
		Info: osprofiler.Info("{}").With("otel", string(pyjson.AppendString(nil, string(text)))),
	})
	if s.InstrumentationScope().Name == convert.ScopeName {
		t.Fatalf("the span cannot be read: %s", text)
	}
	return s
}

func TestOsloSpans(t *testing.T) {
	const (
		first  = `"openstack": {"request_id": "req-5ee5d602-20d7-4f3c-aa40-8eccd17dfb91"`
		second = `"openstack": {"request_id": "req-5ee5d602-20d7-4f3c-aa40-8eccd17dfb92"`
		people = `, "project_id": "0a6fc36d5d1149538585c2967b796630", "user_id": "3f1c1e2a7f0f4c6f8d9d4f5e6a7b8c9d", "domain_id": "default"}, "host": "h"}`
		create = `{"function": {"name": "volume/create_volume"}, ` + first + `}, "messaging": {"system": "rabbitmq", "operation": `
	)
	want := map[string][]string{
		"create_volume receive": {
			`rpc {"function": {"name": "create_volume"}, ` + first + `}, "messaging": {"system": "rabbitmq", "operation": "receive", "message_id": "d0cfa386-6e72-4459-8d2c-8faf96a0bd3d"}, "host": "h"}`,
			`rpc {"function": {"name": "create_volume"}, ` + first + `}, "messaging": {"system": "rabbitmq", "operation": "receive", "message_id": "bcea61aa-84aa-4e0d-bd2a-de763f42b344"}, "host": "h"}`,
		},
		"cinder-volume.create_volume": {
			`rpc ` + create + `"call", "destination": "cinder-volume"}, "host": "h"}`,
			`rpc ` + create + `"cast", "destination": "cinder-volume"}, "host": "h"}`,
		},
		"HTTP GET /v3/volumes": {
			`wsgi {"request": {"path": "/v3/volumes", "query": "limit=1", "method": "GET", "scheme": "http"}, ` + first + `, "global_request_id": "req-b89b5dad-cd63-4bd3-b577-ca229af58911"` + people,
		},
		"fail receive": {
			`rpc {"function": {"name": "fail"}, ` + second + `}, "messaging": {"system": "rabbitmq", "operation": "receive", "message_id": "53ccb1c2-64dd-4b08-9902-013c67418e22"}, "host": "h"}`,
		},
		"cinder-volume.fail": {
			`rpc {"function": {"name": "volume/fail"}, ` + second + `}, "messaging": {"system": "rabbitmq", "operation": "call", "destination": "cinder-volume"}, "host": "h"}`,
		},
		"HTTP GET /v3/fail": {
			`wsgi {"request": {"path": "/v3/fail", "query": "", "method": "GET", "scheme": "http"}, ` + second + `, "global_request_id": "req-b89b5dad-cd63-4bd3-b577-ca229af58912"` + people,
		},
	}
	got := map[string][]string{}
	c := convert.New(convert.WithHost("h"))
	for _, span := range osloSpans(t) {
		both := c.Append(nil, convert.Both, span)
		start, stop := stored(t, both[0]), stored(t, both[1])
		got[span.Name()] = append(got[span.Name()], start.Operation()+" "+string(start.Info))
		if want, back := otlpOf(t, span), otlpOf(t, c.SpanOf(&start, &stop)); !proto.Equal(want, back) {
			t.Errorf("the span changed\nfrom %v\nto   %v", want, back)
		}
		stop.Info = stop.Info.Without("otel") // as if the Python library had written it
		checkPair(t, []osprofiler.Notification{start, stop})
		for key := range attributesOf(span, "openstack.") {
			if _, ok := attributesOf(c.SpanOf(&start, &stop), "openstack.")[key]; !ok {
				t.Errorf("%s: the notifications do not tell %s", span.Name(), key)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("starts (-want +got):\n%s", diff)
	}
}

// attributesOf returns the attributes whose keys have the prefix.
func attributesOf(s sdktrace.ReadOnlySpan, prefix string) map[string]any {
	m := map[string]any{}
	for _, kv := range s.Attributes() {
		if strings.HasPrefix(string(kv.Key), prefix) {
			m[string(kv.Key)] = kv.Value.AsInterface()
		}
	}
	return m
}
