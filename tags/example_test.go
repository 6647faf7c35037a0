package tags_test

import (
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

func show(attrs []attribute.KeyValue) {
	for _, kv := range attrs {
		fmt.Printf("%s = %s\n", kv.Key, kv.Value.String())
	}
}

func ExampleStartAttributes() {
	info := osprofiler.Info(`{"request": {"path": "/v3", "query": "", "method": "GET", "scheme": "http"}, "host": "api-1"}`)
	call := tags.CallOfInfo("wsgi", info)
	attrs, rest := tags.StartAttributes(nil, call, info, tags.Stable)
	show(attrs)
	fmt.Println("rest:", rest)
	fmt.Println(tags.Merge(rest, tags.StartInfo(call, attrs)) == info)
	// Output:
	// http.request.method = GET
	// url.path = /v3
	// url.scheme = http
	// rest: {"host": "api-1"}
	// true
}

func ExampleStopAttributes() {
	info := osprofiler.Info(`{"requests": {"status_code": 204}, "host": "api-1"}`)
	attrs, rest := tags.StopAttributes(nil, tags.HTTPClient, info, tags.Both)
	show(attrs)
	fmt.Println("rest:", rest)
	// Output:
	// http.response.status_code = 204
	// status_code = 204
	// rest: {"host": "api-1"}
}

func ExampleStartInfo() {
	attrs := []attribute.KeyValue{
		attribute.String("http.request.method", "GET"),
		attribute.String("url.full", "https://api.example/v3/users?limit=2"),
	}
	call := tags.CallOfSpan(trace.SpanKindClient, attrs)
	fmt.Println(call, "is named", call.Operation(attrs))
	fmt.Println(tags.StartInfo(call, attrs))
	// Output:
	// HTTP client is named https
	// {"requests": {"method": "GET", "query": "limit=2", "path": "/v3/users", "hostname": "api.example", "port": 443, "scheme": "https"}}
}

func ExampleStopInfo() {
	attrs := []attribute.KeyValue{attribute.Int("http.response.status_code", 404)}
	fmt.Println(tags.StopInfo(tags.HTTPClient, attrs))
	// Output: {"requests": {"status_code": 404}}
}

func ExampleCallOfInfo() {
	info := osprofiler.Info(`{"function": {"name": "nova.compute.manager.ComputeManager.build"}}`)
	fmt.Println(tags.CallOfInfo("rpc", info), tags.CallOfInfo("virt", info))
	// Output: RPC function
}

func ExampleFailureOfInfo() {
	f, rest, ok := tags.FailureOfInfo(`{"etype": "KeyError", "message": "'x'", "host": "api-1"}`)
	fmt.Println(f.Type, f.Message, rest, ok)
	show(f.Attributes(tags.Both))
	for _, event := range f.Events(time.Now(), tags.Both) {
		fmt.Println("event", event.Name)
		show(event.Attributes)
	}
	// Output:
	// KeyError 'x' {"host": "api-1"} true
	// error.type = KeyError
	// error = true
	// event log
	// error.kind = KeyError
	// message = 'x'
	// event exception
	// exception.type = KeyError
	// exception.message = 'x'
}

func ExampleFailureOfSpan() {
	f, _ := tags.FailureOfSpan(sdktrace.Status{Code: codes.Error, Description: "no such host"}, nil, nil)
	fmt.Println(f.Info())
	// Output: {"etype": "Error", "message": "no such host"}
}

func ExampleMerge() {
	fmt.Println(tags.Merge(`{"x": 1, "host": "api-1"}`, `{"db": {"statement": "SELECT 1", "params": {}}}`))
	// Output: {"db": {"statement": "SELECT 1", "params": {}}, "x": 1, "host": "api-1"}
}

func ExampleRedaction() {
	r := tags.Redaction{DBParams: true}
	fmt.Println(r.Info(`{"db": {"statement": "SELECT :id", "params": {"id": 5}}}`))
	show(r.Attributes([]attribute.KeyValue{attribute.String("osprofiler.db.params", `[5, "x"]`)}))
	fmt.Println(r.Text("no such column [parameters: (5, 'x')]"))
	// Output:
	// {"db": {"statement": "SELECT :id", "params": {"id": "***"}}}
	// osprofiler.db.params = ["***", "***"]
	// no such column [parameters: ***]
}
