package main

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite" // sqlite://
)

// telemetry makes a TracerProvider for each service of the demo. In earnest
// every service is a process of its own and makes just one.
type telemetry struct {
	connectionString string
	providers        []*sdktrace.TracerProvider
}

// service returns the TracerProvider of one service. These lines are all that
// a service needs to have its spans in an OSProfiler store: the resource says
// who it is (service.namespace becomes OSProfiler's project), the exporter is
// OSProfiler's, and the sampler records, as OSProfiler does, exactly the
// requests that came signed. (Leave it out to record as OTel itself would.)
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

// shutdown returns when every span is stored.
func (t *telemetry) shutdown(ctx context.Context) error {
	var errs []error
	for _, provider := range t.providers {
		errs = append(errs, provider.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// keys are what OpenStack's services have in the option hmac_keys. Real ones
// come from the environment: bridge.KeysFromEnv.
var keys = bridge.NewKeys("demo-key")

// The services tell one another of the trace by W3C's traceparent header and by
// OSProfiler's signed X-Trace-Info, which OpenStack's Python services follow, too.
var propagators = otelhttp.WithPropagators(bridge.NewPropagators(keys))

// tracedServer makes a span of every request that the handler serves.
func tracedServer(handler http.Handler, provider trace.TracerProvider) http.Handler {
	return otelhttp.NewHandler(handler, "", otelhttp.WithTracerProvider(provider), propagators)
}

// tracedClient makes a span of every request that it sends.
func tracedClient(provider trace.TracerProvider) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &http.Client{Transport: otelhttp.NewTransport(transport, otelhttp.WithTracerProvider(provider), propagators)}
}
