package monitor

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/osprofiler-otel/osprofiler/relay"
)

// Metrics exports the metrics of a relay.
type Metrics struct {
	provider *sdkmetric.MeterProvider
	// Handler answers /metrics in the Prometheus format.
	Handler http.Handler
}

// NewMetrics returns the metrics of a relay. They are read by the Handler and, if the
// environment requests it, sent by OTLP.
func NewMetrics(ctx context.Context, r Relay, version string) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	scraped, err := otelprometheus.New(otelprometheus.WithRegisterer(registry),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes))
	if err != nil {
		return nil, fmt.Errorf("cannot make the metrics of Prometheus: %w", err)
	}
	res, err := describe(version)
	if err != nil {
		return nil, err
	}
	opts := []sdkmetric.Option{sdkmetric.WithReader(scraped), sdkmetric.WithResource(res)}
	pushed, err := otlpReader(ctx)
	if err != nil {
		return nil, err
	}
	if pushed != nil {
		opts = append(opts, sdkmetric.WithReader(pushed))
	}
	m := &Metrics{
		provider: sdkmetric.NewMeterProvider(opts...),
		Handler:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}),
	}
	return m, register(m.provider.Meter("github.com/osprofiler-otel/osprofiler/relay", metric.WithInstrumentationVersion(version)), r)
}

// Close sends the last values.
func (m *Metrics) Close(ctx context.Context) error { return m.provider.Shutdown(ctx) }

// describe returns the resource of the metrics. OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES override our own names.
func describe(version string) (*resource.Resource, error) {
	own := resource.NewSchemaless(attribute.String("service.name", "osprofiler-relay"), attribute.String("service.version", version))
	res, err := resource.Merge(own, resource.Environment())
	if err != nil {
		return nil, fmt.Errorf("cannot use OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return res, nil
}

// The attributes of the metrics.
const (
	sourceKey  = attribute.Key("osprofiler.relay.source")
	targetKey  = attribute.Key("osprofiler.relay.target")
	outcomeKey = attribute.Key("osprofiler.relay.outcome")
)

// register creates the instruments. Their values are read from the counts of the relay when
// the metrics are collected.
func register(meter metric.Meter, r Relay) error {
	var observations []func(metric.Observer, relay.Stats)
	var instruments []metric.Observable
	var errs []error
	add := func(i metric.Observable, err error, observe func(metric.Observer, relay.Stats)) {
		instruments, errs = append(instruments, i), append(errs, err)
		observations = append(observations, observe)
	}
	registerSources(meter, add)
	registerTargets(meter, add)
	registerFilter(meter, add)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot make the metrics: %w", err)
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats := r.Stats()
		for _, observe := range observations {
			observe(o, stats)
		}
		return nil
	}, instruments...)
	return err
}

// unlike returns the name of a peer, with a number appended if peers of the same name came
// before.
func unlike(name string, before map[string]int) string {
	before[name]++
	if n := before[name]; n > 1 {
		return fmt.Sprintf("%s #%d", name, n)
	}
	return name
}
