package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite" // sqlite://
)

// telemetry makes a TracerProvider for each service of the demo. A real service is a
// process of its own and makes a single one.
type telemetry struct {
	connectionString string
	providers        []*sdktrace.TracerProvider
}

// service returns the TracerProvider of a service. A service needs only these lines
// to write its spans to an OSProfiler store. The resource names the service
// (service.namespace becomes OSProfiler's project). The exporter writes to the store.
// The sampler records signed requests only, as OSProfiler does; without it, the rules
// of OpenTelemetry decide.
func (t *telemetry) service(ctx context.Context, namespace, name, host string) (*sdktrace.TracerProvider, error) {
	exp, err := exporter.Open(ctx, t.connectionString)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exp),
		sdktrace.WithSampler(bridge.NewSampler(nil)),
		sdktrace.WithResource(resource.NewWithAttributes(semconv.SchemaURL,
			semconv.ServiceNamespace(namespace),
			semconv.ServiceName(name),
			semconv.HostName(host),
		)),
	)
	t.providers = append(t.providers, provider)
	return provider, nil
}

// shutdown shuts all providers down. It returns when every span is stored, or after
// five seconds, so that a store that does not answer cannot keep the demo from ending.
func (t *telemetry) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var errs []error
	for _, provider := range t.providers {
		errs = append(errs, provider.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// keys are the HMAC keys, like the option hmac_keys of OpenStack's services. A real
// service takes them from the environment: bridge.KeysFromEnv.
var keys = bridge.NewKeys("demo-key")

// propagators pass the trace between services in W3C's header traceparent and in
// OSProfiler's signed header X-Trace-Info, which OpenStack's Python services also use.
var propagators = otelhttp.WithPropagators(bridge.NewPropagators(keys))

// tracedServer makes a span for every request that the handler serves.
func tracedServer(handler http.Handler, provider trace.TracerProvider) http.Handler {
	return otelhttp.NewHandler(handler, "", otelhttp.WithTracerProvider(provider), propagators)
}

// tracedClient returns a client that makes a span for every request that it sends.
func tracedClient(provider trace.TracerProvider) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &http.Client{Transport: otelhttp.NewTransport(transport, otelhttp.WithTracerProvider(provider), propagators)}
}
