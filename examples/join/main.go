// The join command is a service that exports its traces to OTLP and joins the traces
// of OSProfiler. It has ordinary OpenTelemetry instrumentation: otelhttp for its
// server, and otelsql for its database.
//
//	export OSPROFILER_HMAC_KEYS=example-key OSPROFILER_CONNECTION_STRING=redis://127.0.0.1:6379/0
//	go run ./examples/join
//
// Read telemetry.go first: its marked lines are all that OSProfiler needs. The code
// of main.go and service.go is that of any service.
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:8080")
	if err == nil {
		err = run(ctx, listener)
	}
	if err != nil {
		log.Print(err)
	}
}

// run serves requests until the context ends. It returns when all spans are exported,
// or after five seconds.
func run(ctx context.Context, listener net.Listener) error {
	shutdown, err := setUpTelemetry(ctx)
	if err != nil {
		return err
	}
	err = serve(ctx, listener)

	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, shutdown(deadline)) // writes the remaining spans
}

// serve serves requests until the context ends, and finishes those that it serves then.
func serve(ctx context.Context, listener net.Listener) error {
	db, err := openDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()

	server := &http.Server{Handler: newHandler(db), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(deadline)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
