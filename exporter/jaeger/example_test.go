package jaeger_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter/jaeger"
)

// start starts a server that stands for a collector.
func start() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, r.Header.Get("Content-Type"))
		w.WriteHeader(http.StatusAccepted)
	}))
}

func ExampleOpen() {
	collector := start()
	defer collector.Close()
	// jaeger://127.0.0.1:6831 sends to an agent by UDP.
	exp, err := jaeger.Open("jaeger+" + collector.URL) // jaeger+http://127.0.0.1:14268
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exp))
	_, span := provider.Tracer("inventory").Start(context.Background(), "sync")
	span.End()
	if err := provider.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: POST /api/traces application/x-thrift
}
