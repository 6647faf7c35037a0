package main

import (
	"context"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/osprofiler-otel/osprofiler/bridge"         // OSProfiler
	"github.com/osprofiler-otel/osprofiler/exporter"       // OSProfiler
	_ "github.com/osprofiler-otel/osprofiler/exporter/all" // OSProfiler: links all stores
)

// setUpTelemetry exports all spans to an OTLP collector, and the spans of signed
// requests to an OSProfiler store as well. The lines for OSProfiler are marked.
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
// configure the rest.
func setUpTelemetry(ctx context.Context) (shutdown func(context.Context) error, err error) {
	otlp, err := otlptracegrpc.New(ctx) // OTEL_EXPORTER_OTLP_ENDPOINT
	if err != nil {
		return nil, err
	}
	res, err := resource.New(ctx,
		resource.WithHost(),
		resource.WithAttributes(semconv.ServiceNamespace("nova"), semconv.ServiceName("metadata")),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
	)
	if err != nil {
		return nil, err
	}
	osp, err := exporter.Open(ctx, os.Getenv("OSPROFILER_CONNECTION_STRING")) // OSProfiler
	if err != nil {                                                           // OSProfiler
		return nil, err // OSProfiler
	} // OSProfiler
	provider := trace.NewTracerProvider(
		trace.WithSpanProcessor(bridge.OnDemand(trace.NewBatchSpanProcessor(osp))), // OSProfiler
		trace.WithBatcher(otlp),
		trace.WithResource(res),
		trace.WithSampler(bridge.NewSampler(trace.ParentBased(trace.AlwaysSample()))), // OSProfiler
	)
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(bridge.NewPropagators(bridge.KeysFromEnv())) // OSProfiler
	return provider.Shutdown, nil
}
