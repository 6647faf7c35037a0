package monitor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// otlpReader returns the reader that sends metrics by OTLP, or nil if the environment does
// not request that.
//
// OTEL_METRICS_EXPORTER=otlp requests it, and so does OTEL_EXPORTER_OTLP_METRICS_ENDPOINT.
// OTEL_EXPORTER_OTLP_ENDPOINT alone does not, because it may name a server that accepts only
// the spans of the target.
func otlpReader(ctx context.Context) (sdkmetric.Reader, error) {
	exporters := strings.FieldsFunc(os.Getenv("OTEL_METRICS_EXPORTER"), func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range exporters {
		if !slices.Contains([]string{"otlp", "prometheus", "none"}, name) {
			return nil, fmt.Errorf("OTEL_METRICS_EXPORTER is %q; it should be otlp, prometheus or none", name)
		}
	}
	asked := slices.Contains(exporters, "otlp") ||
		len(exporters) == 0 && os.Getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") != ""
	if !asked {
		return nil, nil
	}
	var exporter sdkmetric.Exporter
	var err error
	protocol := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf")
	switch protocol {
	case "grpc":
		exporter, err = otlpmetricgrpc.New(ctx)
	case "http/protobuf":
		exporter, err = otlpmetrichttp.New(ctx)
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL or OTEL_EXPORTER_OTLP_PROTOCOL is %q; it should be grpc or http/protobuf", protocol)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot export metrics by OTLP: %w", err)
	}
	return sdkmetric.NewPeriodicReader(exporter), nil // OTEL_METRIC_EXPORT_INTERVAL sets the interval
}
