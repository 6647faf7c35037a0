package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"golang.org/x/sync/errgroup"

	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The spans of the rows for receiving. Several clients send requests of several traces.
const (
	receivingClients = 8
	receivingTraces  = 64
	receivingSpans   = 8 // of each trace
	perRequest       = receivingTraces * receivingSpans
)

// receivingRuns is the number of measurements of each receiver.
const receivingRuns = 3

const receivingExplained = `
OTLP in by gRPC: %d spans from %d clients at once (otlptracegrpc, %d spans a request), each receiver with GOMAXPROCS=1; the
best of %d runs by turns. CPU is that of the receiver's process since it listens, until its end after SIGTERM. osp
converts the spans, answers when Redis has all notifications, and their number there is checked. The Collector's batch
processor hands the spans to an exporter that discards them: the Collector stores nothing, and answers before that. Its own
metrics are off.

`

// A receiver is a program that receives spans. check returns an error if not all spans
// have arrived.
type receiver struct {
	name  string
	start func(ctx context.Context) (p *receiverProcess, check func(spans int) error, drop func() error, err error)
}

// A reception is the resource usage of a receiver for all spans.
type reception struct {
	cpu, seconds float64
	peak         int64
}

// receivingTable measures the receivers and prints a table. It builds the Collector only
// if withCollector is true.
func receivingTable(ctx context.Context, w io.Writer, spans, runs int, withCollector bool) error {
	dir, err := os.MkdirTemp("", "osp-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // these are temporary files
	osp, err := buildCommand(ctx, dir)
	if err != nil {
		return err
	}
	receivers := []receiver{relayReceiver(osp)}
	if withCollector {
		program, err := buildCollector(ctx)
		if err != nil {
			return err
		}
		receivers = append(receivers, collectorReceiver(program, dir))
	}
	requests := max(1, spans/perRequest)
	best := make([]reception, len(receivers))
	for run := range runs {
		for i, r := range receivers {
			took, err := r.measure(ctx, requests)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			best[i].keepBest(took, run == 0)
		}
	}
	fmt.Fprintf(w, receivingExplained, requests*perRequest, receivingClients, perRequest, runs)
	return printReceiving(w, receivers, best, requests*perRequest)
}

// keepBest keeps the shorter CPU time and the shorter duration of two receptions, and the
// larger memory.
func (r *reception) keepBest(other reception, isFirst bool) {
	if isFirst {
		*r = other
		return
	}
	r.cpu, r.seconds, r.peak = min(r.cpu, other.cpu), min(r.seconds, other.seconds), max(r.peak, other.peak)
}

// measure starts the receiver and sends the given number of requests.
func (r receiver) measure(ctx context.Context, requests int) (took reception, err error) {
	p, check, drop, err := r.start(ctx)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	began := time.Now()
	err = sendRequests(ctx, p.address, requests)
	took.seconds = time.Since(began).Seconds()
	var other error
	took.cpu, took.peak, other = p.stop()
	if err := errors.Join(err, other); err != nil {
		return took, err
	}
	return took, check(requests * perRequest)
}

// sendRequests sends requests from several clients at once, and waits for all answers.
func sendRequests(ctx context.Context, address string, requests int) error {
	group, ctx := errgroup.WithContext(ctx)
	for first := range receivingClients {
		group.Go(func() error {
			client, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(address), otlptracegrpc.WithInsecure(), otlptracegrpc.WithTimeout(time.Minute))
			if err != nil {
				return err
			}
			for i := first; i < requests && err == nil; i += receivingClients {
				err = client.ExportSpans(ctx, workload.Traces(i*receivingTraces, receivingTraces, receivingSpans))
			}
			return errors.Join(err, client.Shutdown(ctx))
		})
	}
	return group.Wait()
}

// relayReceiver is our relay from OTLP into Redis.
func relayReceiver(osp string) receiver {
	return receiver{"osp forward --follow, into Redis", func(ctx context.Context) (*receiverProcess, func(int) error, func() error, error) {
		url, drop, err := testenv.NewRedisDB()
		if err != nil {
			return nil, nil, nil, err
		}
		p, err := startReceiver(ctx, func(address string) ([]string, error) {
			return []string{osp, "forward", "--follow", "--listen", "none", "--from", "otlp+grpc://" + address, "--to", url}, nil
		})
		if err != nil {
			return nil, nil, nil, errors.Join(err, drop())
		}
		return p, func(spans int) error { return areStored(ctx, url, spans) }, drop, nil
	}}
}

// areStored checks that a store has two notifications of each span.
func areStored(ctx context.Context, url string, spans int) error {
	s, err := store.Open(ctx, url, store.WithReadOnly())
	if err != nil {
		return err
	}
	notifications := 0
	for summary, err := range s.Traces(ctx, store.Query{}) {
		if err != nil {
			return errors.Join(err, s.Close())
		}
		notifications += summary.Notifications
	}
	if notifications != 2*spans {
		err = fmt.Errorf("%d notifications of %d spans are stored, not %d", notifications, spans, 2*spans)
	}
	return errors.Join(err, s.Close())
}

//go:embed collector.yaml
var collectorConfiguration string

// collectorReceiver is an OpenTelemetry Collector that discards spans.
func collectorReceiver(program, dir string) receiver {
	return receiver{"OpenTelemetry Collector " + collectorVersion + ", discarding", func(ctx context.Context) (*receiverProcess, func(int) error, func() error, error) {
		p, err := startReceiver(ctx, func(address string) ([]string, error) {
			file := filepath.Join(dir, "collector.yaml")
			text := strings.ReplaceAll(collectorConfiguration, "ADDRESS", address)
			return []string{program, "--config", file}, os.WriteFile(file, []byte(text), 0o600)
		})
		nothing := func() error { return nil }
		return p, func(int) error { return nil }, nothing, err // clients fail if it refuses a span
	}}
}

// collectorVersion is the version in collector/go.mod.
const collectorVersion = "0.165.0"

// buildCollector builds the Collector of the nested module into .cache/bin.
func buildCollector(ctx context.Context) (path string, err error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/osprofiler-otel/osprofiler").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find the folder of the module: %w", err)
	}
	root := strings.TrimSpace(string(out))
	path = filepath.Join(root, ".cache", "bin", "collector-v"+collectorVersion)
	build := exec.CommandContext(ctx, "go", "build", "-o", path, ".") //nolint:gosec // our own module
	build.Dir = filepath.Join(root, "internal", "bench", "collector")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the Collector: %w: %s", err, out)
	}
	return path, nil
}

func printReceiving(w io.Writer, receivers []receiver, best []reception, spans int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "spans per CPU second\tspans/s\tmemory\tosp : this, by CPU\tosp : this, by time\t  receiver")
	for i, r := range best {
		fmt.Fprintf(t, "%s\t%s\t%d MB\t%.2f\t%.2f\t  %s\n", speed(r.cpu/float64(spans)), speed(r.seconds/float64(spans)), r.peak>>20,
			r.cpu/best[0].cpu, r.seconds/best[0].seconds, receivers[i].name)
	}
	return t.Flush()
}
