package bridge_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// signedRequest returns the request that `osp headers` and curl send.
func signedRequest(target string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, target, http.NoBody)
	info, mac := osprofiler.TraceInfo{
		BaseID:   "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01",
		ParentID: "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01",
	}.Pack("a key")
	r.Header.Set(osprofiler.HeaderTraceInfo, info)
	r.Header.Set(osprofiler.HeaderTraceHMAC, mac)
	return r
}

// A service with OTel's own instrumentation takes part in OSProfiler's traces by registering
// the sampler and the propagators.
func ExampleNewPropagators() {
	keys := bridge.NewKeys("a key") // or bridge.KeysFromEnv()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(bridge.NewSampler(nil)),
		sdktrace.WithSpanProcessor(bridge.NewLinkProcessor()),
		sdktrace.WithSyncer(exporter), // in a service: exporter.Open and WithBatcher
	)
	handler := otelhttp.NewHandler(http.NotFoundHandler(), "",
		otelhttp.WithTracerProvider(provider),
		otelhttp.WithPropagators(bridge.NewPropagators(keys)))

	handler.ServeHTTP(httptest.NewRecorder(), signedRequest("/v1"))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/v1", http.NoBody))
	for _, span := range exporter.GetSpans() {
		fmt.Println(span.Name, span.SpanContext.TraceID())
	}
	// Output: GET bd1f8a526c3e4f5f9c0a3c9c6d2e1a01
}

func ExampleNewPropagator() {
	prop := bridge.NewPropagator(bridge.NewKeys("a key"))
	ctx := prop.Extract(context.Background(), propagation.HeaderCarrier(signedRequest("/").Header))
	out := propagation.MapCarrier{}
	prop.Inject(ctx, out)
	fmt.Println(out["X-Trace-HMAC"])
	// Output: 7a9eff4dc4e403c95b431897655399cef43d9b97
}

func ExampleNewSampler() {
	sampler := bridge.NewSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01))) // one percent of the rest
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler))
	prop := bridge.NewPropagators(bridge.NewKeys("a key"))
	ctx := prop.Extract(context.Background(), propagation.HeaderCarrier(signedRequest("/").Header))
	_, span := provider.Tracer("").Start(ctx, "asked for")
	fmt.Println(span.SpanContext().IsSampled())
	// Output: true
}

func ExampleNewLinkProcessor() {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(bridge.NewLinkProcessor()), sdktrace.WithSyncer(exporter))
	r := signedRequest("/")
	r.Header.Set("traceparent", "00-11111111111111111111111111111111-2222222222222222-01")
	prop := bridge.NewPropagators(bridge.NewKeys("a key"))
	_, span := provider.Tracer("").Start(prop.Extract(r.Context(), propagation.HeaderCarrier(r.Header)), "GET")
	span.End()
	got := exporter.GetSpans()[0]
	fmt.Println(got.SpanContext.TraceID(), "links to", got.Links[0].SpanContext.TraceID())
	// Output: bd1f8a526c3e4f5f9c0a3c9c6d2e1a01 links to 11111111111111111111111111111111
}

func ExampleTrusted() {
	prop := bridge.NewPropagators(bridge.NewKeys("a key"))
	ctx := prop.Extract(context.Background(), propagation.HeaderCarrier(signedRequest("/").Header))
	root, _ := sdktrace.NewTracerProvider().Tracer("").Start(ctx, "other", trace.WithNewRoot())
	fmt.Println(bridge.Trusted(ctx), bridge.Trusted(root))
	// Output: true false
}

func ExampleKeys_Replace() {
	keys := bridge.NewKeys("old")
	prop := bridge.NewPropagator(keys)
	request := propagation.MapCarrier(signedBy("new", theInfo))
	for _, list := range [][]string{{"old", "new"}, {"new", "old"}, {"new"}} {
		keys.Replace(list...)
		fmt.Println(keys, bridge.Trusted(prop.Extract(context.Background(), request)))
	}
	// Output:
	// 2 HMAC keys true
	// 2 HMAC keys true
	// 1 HMAC key true
}

func ExampleKeysFromEnv() {
	_ = os.Setenv(bridge.KeysVariable, "a key, an older key") // done by the service's administrator
	fmt.Println(bridge.KeysFromEnv())
	// Output: 2 HMAC keys
}

func ExampleNewHandler() {
	exporter := tracetest.NewInMemoryExporter()
	profiler := bridge.NewProfiler(
		bridge.WithTracerProvider(sdktrace.NewTracerProvider(
			sdktrace.WithSampler(bridge.NewSampler(nil)), sdktrace.WithSyncer(exporter))),
		bridge.WithKeys(bridge.NewKeys("a key")))
	handler := bridge.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		defer profiler.Trace(&ctx, "rpc", bridge.Function("list_servers"))(nil)
		fmt.Fprint(w, "[]")
	}), bridge.WithProfiler(profiler))

	handler.ServeHTTP(httptest.NewRecorder(), signedRequest("/v1/servers?limit=1"))
	for _, n := range notificationsOf(exporter) {
		fmt.Println(n.Name, n.Info.Without("otel"))
	}
	// Output:
	// rpc-start {"function": {"name": "list_servers"}, "host": "host-1"}
	// rpc-stop {"host": "host-1"}
	// wsgi-start {"request": {"path": "/v1/servers", "query": "limit=1", "method": "GET", "scheme": "http"}, "host": "host-1"}
	// wsgi-stop {"host": "host-1"}
}

func ExampleNewTransport() {
	exporter := tracetest.NewInMemoryExporter()
	profiler := bridge.NewProfiler(
		bridge.WithTracerProvider(sdktrace.NewTracerProvider(
			sdktrace.WithSampler(bridge.NewSampler(nil)), sdktrace.WithSyncer(exporter))),
		bridge.WithKeys(bridge.NewKeys("a key")))
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("signed:", r.Header.Get("X-Trace-HMAC") != "")
	}))
	defer server.Close()
	client := &http.Client{Transport: bridge.NewTransport(nil, bridge.WithProfiler(profiler))}

	ctx := profiler.Init(context.Background(), "", "") // in a handler: r.Context()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	res, err := client.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	stop := notificationsOf(exporter)[1]
	fmt.Println(stop.Name, stop.Info.Without("otel"))
	// Output:
	// signed: true
	// http-stop {"requests": {"status_code": 200}, "host": "host-1"}
}

func ExampleRequest() {
	fmt.Println(bridge.Request(signedRequest("/v1/x%20y?limit=1")))
	// Output: {"request": {"method": "GET", "path": "/v1/x%20y", "query": "limit=1", "scheme": "http"}}
}

func ExampleRequests() {
	r, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://nova.example:8774/v2.1/servers", http.NoBody)
	fmt.Println(bridge.Requests(r))
	// Output: {"requests": {"hostname": "nova.example", "method": "GET", "path": "/v2.1/servers", "port": 8774, "query": "", "scheme": "https"}}
}

// A service that exports everything to an OTLP back end keeps its ordinary traffic
// out of the operator's store.
func ExampleOnDemand() {
	otlp, store := tracetest.NewSpanRecorder(), tracetest.NewSpanRecorder() // in place of processors with exporters
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(bridge.NewSampler(sdktrace.ParentBased(sdktrace.AlwaysSample()))),
		sdktrace.WithSpanProcessor(otlp),
		sdktrace.WithSpanProcessor(bridge.OnDemand(store)),
	)
	keys := bridge.NewKeys("example-key")
	signed := bridge.NewProfiler(bridge.WithKeys(keys)).Init(context.Background(), "", "")
	for _, ctx := range []context.Context{context.Background(), signed, context.Background()} {
		_, span := provider.Tracer("example").Start(ctx, "request")
		span.End()
	}
	fmt.Println("OTLP:", len(otlp.Ended()), "spans; store:", len(store.Ended()), "span")
	// Output: OTLP: 3 spans; store: 1 span
}

// A service can find out why it does not trace the requests of a caller.
func ExampleKeys_Rejected() {
	defer otel.SetErrorHandler(otel.GetErrorHandler())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) // the report is not shown here
	keys := bridge.NewKeys("key-of-this-service")
	info, mac := osprofiler.TraceInfo{BaseID: "b", ParentID: "p"}.Pack("key-of-the-caller")
	bridge.NewPropagator(keys).Extract(context.Background(), propagation.MapCarrier{"X-Trace-Info": info, "X-Trace-HMAC": mac})
	fmt.Println(keys.Rejected())
	// Output: map[none of the HMAC keys fits:1]
}

func ExampleKeys_Verify() {
	keys := bridge.NewKeys("old-key", "new-key")
	info, mac := osprofiler.TraceInfo{BaseID: "b", ParentID: "p"}.Pack("new-key")
	caller, index, err := keys.Verify(propagation.MapCarrier{"X-Trace-Info": info, "X-Trace-HMAC": mac})
	fmt.Println(caller.BaseID, caller.ParentID, index, err)
	// Output: b p 1 <nil>
}
