// The otel-demo command shows the main purpose of this project in a few seconds.
// The services of a small cloud have ordinary OpenTelemetry instrumentation. They
// take part in signed OSProfiler traces and write them to an OSProfiler store. The
// command then reads the traces back.
//
//	go run ./examples/otel-demo
//
// It writes otel-demo.db in the current folder; --connection-string selects another
// store. Each run adds traces to the store.
//
// Read telemetry.go first: it has all the code that your own service would need.
// The other files are the cloud: api.go, scheduler.go and database.go with ordinary
// OpenTelemetry instrumentation, and dashboard.go with OSProfiler's start and stop
// calls. report.go reads the store.
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
	connectionString := flag.String("connection-string", defaultStore, "the store for the traces")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *connectionString)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "otel-demo:", err)
		os.Exit(1)
	}
}

// run starts the cloud, uses it, stops it and shows the traces in the store.
func run(ctx context.Context, out io.Writer, connectionString string) error {
	fmt.Fprintln(out, "A dashboard asks a cloud for servers; the cloud's API calls a scheduler, and both use a database.")
	requests, err := useCloud(ctx, connectionString)
	if err != nil {
		return err
	}
	return report(ctx, out, connectionString, requests)
}

// useCloud sends requests to the cloud. It returns them when all spans are stored.
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
