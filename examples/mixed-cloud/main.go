// The mixed-cloud command runs three services that answer one request together, and
// shows their one trace:
//
//	api       Python, with unmodified osprofiler; writes to the store itself
//	metadata  Go, with otelhttp and a database with otelsql; writes to the store by this
//	          module's exporter
//	volume    Python, with the OpenTelemetry of oslo.middleware 8.2 and oslo.messaging
//	          18.3; sends spans by OTLP, which a relay writes to the store
//
// At the end the trace goes from the store to an OTLP server, such as Jaeger:
//
//	pip install osprofiler redis 'oslo.middleware[tracing-http]' 'oslo.messaging[tracing-http]'
//	go run ./examples/mixed-cloud --store redis://127.0.0.1:6379/0 --otlp otlp+grpc://127.0.0.1:4317
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/osprofiler-otel/osprofiler/exporter/all" // links all stores and sinks
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// A config says where the trace goes.
type config struct {
	store, otlp string // connection strings
	python      string // the interpreter
	folder      string // of the Python services
}

func main() {
	var c config
	flag.StringVar(&c.store, "store", "redis://127.0.0.1:6379/0", "the OSProfiler store")
	flag.StringVar(&c.otlp, "otlp", "otlp+grpc://127.0.0.1:4317", "the OTLP server")
	flag.StringVar(&c.python, "python", "python3", "a Python interpreter with the services' libraries")
	flag.StringVar(&c.folder, "folder", "examples/mixed-cloud", "where api.py and volume.py are")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, &c); err != nil {
		log.Print(err)
	}
}

// run runs the services, sends one request, and shows its trace. It returns when all
// spans have arrived everywhere, or after a few minutes.
func run(ctx context.Context, out io.Writer, c *config) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	baseID, err := oneTrace(ctx, c)
	if err != nil {
		return err
	}
	if err := backfill(ctx, c, baseID); err != nil {
		return err
	}
	r, err := reader.Open(ctx, c.store)
	if err != nil {
		return err
	}
	report, err := r.Report(ctx, baseID)
	if err == nil {
		err = render.Text(out, report)
	}
	fmt.Fprintf(out, "\nThe same trace by OTLP: %s\n", hexID(baseID))
	return errors.Join(err, r.Close())
}

// oneTrace runs the services until the trace of one request is in the store.
func oneTrace(ctx context.Context, c *config) (baseID string, err error) {
	receiver, err := startReceiver(ctx, c.store)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, receiver.stop()) }() // after the services have sent all spans

	volume, err := startPython(ctx, c, "volume.py", "OTLP_ENDPOINT="+receiver.url,
		"OTEL_RESOURCE_ATTRIBUTES=service.namespace=cinder", "OTEL_BSP_SCHEDULE_DELAY=200")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, volume.stop()) }()
	metadata, err := startMetadata(ctx, c.store, volume.url)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, metadata.stop()) }()
	api, err := startPython(ctx, c, "api.py", "METADATA_URL="+metadata.url, "OSPROFILER_CONNECTION_STRING="+c.store, "OSPROFILER_HMAC_KEYS="+key)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	return request(ctx, api.url)
}
