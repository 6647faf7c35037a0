package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"text/tabwriter"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// serviceEnvironment names the variable that makes this command the service
// whose costs are measured. It holds a serviceWork as JSON.
const serviceEnvironment = "OSP_BENCH_SERVICE"

// A serviceWork is the way in which the service exports its spans.
type serviceWork struct {
	How   string // "none", "otlp", "batch" or "live"
	Where string // the address or the connection string
	Spans int
}

// A serviceCost is the resource usage of the service's process for one span.
type serviceCost struct {
	User, System       float64 // seconds of CPU
	Bytes, Allocations float64
}

func (c serviceCost) cpu() float64 { return c.User + c.System }

// Our aims as multiples of the cost of OTLP: the user CPU of a span is no more than that of
// OTLP, and its total CPU is within a multiple of that of OTLP.
const (
	serviceUserAim  = 1.0
	serviceTotalAim = 1.1
)

const serviceExplained = `
What tracing costs a service: CPU and allocations of its own process for each span (server, internal and database
spans in turn), from Start to the store or the collector; the best of %d runs of %d spans, by turns

`

// serviceTable compares a service that exports to Redis with a service that exports
// to an OTLP collector that discards everything, and prints a table.
func serviceTable(ctx context.Context, w io.Writer, runs, spans int) error {
	address, stop, err := discardingCollector(ctx)
	if err != nil {
		return err
	}
	defer stop()
	url, drop, err := testenv.NewRedisDB()
	if err != nil {
		return err
	}
	works := []serviceWork{{"none", "", spans}, {"otlp", address, spans}, {"batch", url, spans}, {"live", url, spans}}
	costs := make([]serviceCost, len(works))
	for run := range runs {
		for i, work := range works {
			cost, err := measureService(ctx, work)
			if err != nil {
				return errors.Join(fmt.Errorf("%s: %w", work.How, err), drop())
			}
			if run == 0 || cost.cpu() < costs[i].cpu() {
				costs[i] = cost
			}
		}
	}
	fmt.Fprintf(w, serviceExplained, runs, spans)
	return errors.Join(printService(w, works, costs), drop())
}

func printService(w io.Writer, works []serviceWork, costs []serviceCost) error {
	names := map[string]string{
		"none": "an exporter that does nothing", "otlp": "otlptracegrpc", "batch": "batch to Redis", "live": "live to Redis",
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "total CPU\tuser CPU\tbytes\tallocations\ttotal : OTLP\taim\tuser : OTLP\taim\t  exporter")
	otlp := costs[1]
	for i, c := range costs {
		fmt.Fprintf(t, "%s\t%s\t%.0f\t%.1f\t%.2f\t<= %.1f\t%.2f\t<= %.1f\t  %s\n", duration(c.cpu()), duration(c.User), c.Bytes, c.Allocations,
			c.cpu()/otlp.cpu(), serviceTotalAim, c.User/otlp.User, serviceUserAim, names[works[i].How])
	}
	return t.Flush()
}

// measureService runs this command again as the service.
func measureService(ctx context.Context, work serviceWork) (cost serviceCost, err error) {
	self, err := os.Executable()
	if err != nil {
		return cost, err
	}
	text, err := json.Marshal(work)
	if err != nil {
		return cost, err
	}
	cmd := exec.CommandContext(ctx, self) //nolint:gosec // this very command
	cmd.Env = append(os.Environ(), serviceEnvironment+"="+string(text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return cost, fmt.Errorf("the service failed: %w: %s", err, stderr.Bytes())
	}
	return cost, json.Unmarshal(out, &cost)
}

// discardingCollector starts an OTLP collector on loopback.
func discardingCollector(ctx context.Context) (address string, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, discard{})
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), server.Stop, nil
}

// discard is a collector that keeps nothing.
type discard struct {
	collector.UnimplementedTraceServiceServer
}

// Export implements collector.TraceServiceServer.
func (discard) Export(context.Context, *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	return &collector.ExportTraceServiceResponse{}, nil
}

// beService runs this command as the service.
func beService(ctx context.Context, text string) error {
	var work serviceWork
	if err := json.Unmarshal([]byte(text), &work); err != nil {
		return err
	}
	processor, err := work.processor(ctx)
	if err != nil {
		return err
	}
	of := resource.NewSchemaless(
		attribute.String("service.namespace", "nova"), attribute.String("service.name", "api"),
		attribute.String("service.version", "1.2.3"), attribute.String("host.name", "controller-1"),
		attribute.String("telemetry.sdk.name", "opentelemetry"), attribute.String("telemetry.sdk.language", "go"),
	)
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(of), sdktrace.WithSpanProcessor(processor))
	if err := requests(ctx, provider, 3*batchSize); err != nil { // connected, warm
		return err
	}
	before := usedSoFar()
	if err := requests(ctx, provider, work.Spans); err != nil {
		return err
	}
	cost := usedSoFar().since(before, work.Spans)
	if err := provider.Shutdown(ctx); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(cost)
}

func (w serviceWork) processor(ctx context.Context) (sdktrace.SpanProcessor, error) {
	var spans sdktrace.SpanExporter = nowhere{}
	var err error
	switch w.How {
	case "otlp":
		spans, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(w.Where), otlptracegrpc.WithInsecure())
	case "batch":
		spans, err = exporter.Open(ctx, w.Where)
	case "live":
		return live.Open(ctx, w.Where)
	}
	return sdktrace.NewBatchSpanProcessor(spans), err
}

// nowhere is an exporter that does nothing.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nowhere) Shutdown(context.Context) error                             { return nil }

// requests makes the given number of spans. Each request has a server span, an internal
// span below the server span, and a database span below the internal span. requests
// waits for the exporter after each batch, so that no span is dropped.
func requests(ctx context.Context, provider *sdktrace.TracerProvider, spans int) error {
	tracer := provider.Tracer("example.org/instrumentation", trace.WithInstrumentationVersion("0.1.0"))
	for made := 0; made < spans; made += 3 {
		request(ctx, tracer)
		if made/batchSize != (made+3)/batchSize {
			if err := provider.ForceFlush(ctx); err != nil {
				return err
			}
		}
	}
	return provider.ForceFlush(ctx)
}

func request(ctx context.Context, tracer trace.Tracer) {
	ctx, server := tracer.Start(ctx, "GET /v2.1/servers/{id}", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", "GET"), attribute.String("url.path", "/v2.1/servers/5f0b"),
		attribute.String("url.query", "limit=10"), attribute.String("url.scheme", "http"),
		attribute.String("http.route", "/v2.1/servers/{id}"), attribute.String("server.address", "api.example.org"),
		attribute.Int("server.port", 8774), attribute.String("user_agent.original", "python-novaclient"),
	))
	ctx, internal := tracer.Start(ctx, "compute.api.get", trace.WithAttributes(attribute.String("instance.id", "5f0b")))
	_, db := tracer.Start(ctx, "SELECT nova.instances", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "mysql"), attribute.String("db.namespace", "nova"),
		attribute.String("db.query.text", "SELECT instances.id AS instances_id FROM instances WHERE instances.uuid = %s AND instances.deleted = %s"),
	))
	db.End()
	internal.End()
	server.SetAttributes(attribute.Int("http.response.status_code", 200))
	server.SetStatus(codes.Unset, "")
	server.End()
}

// used is the resource usage of a process.
type used struct {
	user, system, bytes, allocations float64
}

func usedSoFar() used {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // the call cannot fail for the own process
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	seconds := func(t syscall.Timeval) float64 { return time.Duration(t.Nano()).Seconds() }
	return used{seconds(usage.Utime), seconds(usage.Stime), float64(memory.TotalAlloc), float64(memory.Mallocs)}
}

func (u used) since(before used, spans int) serviceCost {
	n := float64(spans)
	return serviceCost{(u.user - before.user) / n, (u.system - before.system) / n, (u.bytes - before.bytes) / n, (u.allocations - before.allocations) / n}
}
