package main

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/exporter"
)

// startMetadata runs the service in Go. It reads from its database and asks the service
// at a URL.
func startMetadata(ctx context.Context, connectionString, volumeURL string) (*service, error) {
	provider, propagators, err := telemetry(ctx, connectionString)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(provider)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	options := []otelhttp.Option{otelhttp.WithTracerProvider(provider), otelhttp.WithPropagators(propagators)}
	client := &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport, options...)}
	server := &http.Server{Handler: otelhttp.NewHandler(handler(db, client, volumeURL), "metadata", options...), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	stop := func() error {
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err := server.Shutdown(deadline)
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		client.CloseIdleConnections()
		return errors.Join(err, db.Close(), provider.Shutdown(deadline))
	}
	return &service{"http://" + listener.Addr().String(), stop}, nil
}

// telemetry exports the spans of signed requests to the store. The propagators take
// X-Trace-Info from the api service, and send it and traceparent to the next service.
func telemetry(ctx context.Context, connectionString string) (*trace.TracerProvider, propagation.TextMapPropagator, error) {
	osp, err := exporter.Open(ctx, connectionString)
	if err != nil {
		return nil, nil, err
	}
	provider := trace.NewTracerProvider(
		trace.WithSpanProcessor(bridge.OnDemand(trace.NewBatchSpanProcessor(osp))),
		trace.WithSampler(bridge.NewSampler(nil)),
		trace.WithResource(resource.NewSchemaless(semconv.ServiceNamespace("nova"), semconv.ServiceName("metadata"), semconv.HostName("metadata-1"))),
	)
	return provider, bridge.NewPropagators(bridge.NewKeys(key)), nil
}

func openDatabase(provider *trace.TracerProvider) (*sql.DB, error) {
	return otelsql.Open("sqlite", ":memory:", otelsql.WithTracerProvider(provider), otelsql.WithAttributes(semconv.DBSystemNameSQLite),
		otelsql.WithSpanOptions(otelsql.SpanOptions{OmitConnResetSession: true, OmitConnectorConnect: true, OmitRows: true}))
}

func handler(db *sql.DB, client *http.Client, volumeURL string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var name string
		if err := db.QueryRowContext(r.Context(), "SELECT ?", "server-1").Scan(&name); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		next, err := http.NewRequestWithContext(r.Context(), http.MethodGet, volumeURL+"/volumes", http.NoBody)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		response, err := client.Do(next)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer func() { _ = response.Body.Close() }() // it is read
		w.WriteHeader(response.StatusCode)
		_, _ = io.WriteString(w, name+" has ")
		_, _ = io.Copy(w, response.Body)
	})
}
