package exporter_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// Open opens a sink by its scheme. store.Open refuses the scheme, because a
// sink is not a store.
func TestSinks(t *testing.T) {
	memory := tracetest.NewInMemoryExporter()
	refused := errors.New("the port is missing")
	redaction, retry := tags.Redaction{DBParams: true}, store.Retry{Initial: time.Second}
	var opened string
	var options exporter.SinkOptions
	exporter.RegisterSink(exporter.Sink{
		Schemes: []string{"test-sink", "test-sink+tls"},
		Open: func(_ context.Context, connectionString string, o exporter.SinkOptions) (sdktrace.SpanExporter, error) {
			options = o
			if opened = connectionString; strings.HasSuffix(connectionString, "://") {
				return nil, store.BadConnectionString(refused)
			}
			return memory, nil
		},
	})
	for _, around := range []string{"%s", " %s\n", "\uFEFF%s\r\n"} {
		e, err := exporter.Open(t.Context(), fmt.Sprintf(around, "test-sink+tls://h:4317"), exporter.WithProject("p"), exporter.WithService("s"),
			exporter.WithHost("h"), exporter.WithServiceNamePrefix("west"), exporter.WithRedaction(redaction), exporter.WithRetry(retry))
		if err != nil || e != sdktrace.SpanExporter(memory) || opened != "test-sink+tls://h:4317" {
			t.Errorf("%q gave %v (%v)", opened, e, err)
		}
		want := exporter.SinkOptions{Project: "p", Service: "s", Host: "h", ServiceNamePrefix: "west", Redaction: redaction, Retry: retry}
		if !reflect.DeepEqual(options, want) {
			t.Errorf("the sink is opened with %+v", options)
		}
	}
	if _, err := exporter.Open(t.Context(), "test-sink://"); !errors.Is(err, refused) || !errors.Is(err, store.ErrConnectionString) {
		t.Error(err)
	}
	if _, err := store.Open(t.Context(), "test-sink://h"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "takes spans but cannot be read") {
		t.Error(err)
	}
	store.RegisterSink("test-elsewhere")
	if _, err := exporter.Open(t.Context(), "test-elsewhere://h"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "test-elsewhere://") {
		t.Error(err)
	}
}
