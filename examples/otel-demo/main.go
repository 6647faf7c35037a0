// The otel-demo command shows the main job in a few seconds: a small cloud of
// services with ordinary OpenTelemetry instrumentation takes part in signed
// OSProfiler traces, leaves them in an OSProfiler store, and reads them back as
// OSProfiler's own tool would.
//
//	go run ./examples/otel-demo
//
// It writes otel-demo.db in the current folder; --connection-string sends the
// traces elsewhere. Run again, it adds to what is there.
//
// Read telemetry.go first: it holds all that a service of yours would need.
// The rest is the cloud: api.go, scheduler.go and database.go with OTel's
// ordinary instrumentation, dashboard.go with OSProfiler's start and stop calls.
// And report.go reads the store.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

const defaultStore = "sqlite:///otel-demo.db"

func main() {
	connectionString := flag.String("connection-string", defaultStore, "where the traces go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *connectionString)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "otel-demo:", err)
		os.Exit(1)
	}
}

// run starts the cloud, uses it, stops it and shows what it left in the store.
func run(ctx context.Context, out io.Writer, connectionString string) error {
	fmt.Fprintln(out, "A dashboard asks a cloud for servers; the cloud's API calls a scheduler, and both use a database.")
	requests, err := useCloud(ctx, connectionString)
	if err != nil {
		return err
	}
	return report(ctx, out, connectionString, requests)
}

// useCloud returns what was asked of the cloud, when all of its spans are stored.
func useCloud(ctx context.Context, connectionString string) (requests []request, err error) {
	t := &telemetry{connectionString: connectionString}
	defer func() { err = errors.Join(err, t.shutdown(ctx)) }()

	db, err := openDatabase(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	scheduler, err := startScheduler(ctx, t, db)
	if err != nil {
		return nil, err
	}
	defer scheduler.stop(ctx)
	api, err := startAPI(ctx, t, db, scheduler.url)
	if err != nil {
		return nil, err
	}
	defer api.stop(ctx)
	dashboard, err := newDashboard(ctx, t, api.url)
	if err != nil {
		return nil, err
	}
	return dashboard.visit(ctx)
}
