package exporter_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/stdr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite" // sqlite://
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// The samples of docs/exporter.md are copies of code in this file. Package doctest
// compares them.

// temporary returns a folder for an example, and a function that removes the
// folder.
func temporary() (folder string, remove func()) {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	return folder, func() { _ = os.RemoveAll(folder) }
}

// show prints the notifications in a store, the traces in any order.
func show(connectionString string) {
	ctx := context.Background()
	s, err := store.Open(ctx, connectionString, store.WithReadOnly())
	if err != nil {
		log.Print(err)
		return
	}
	defer s.Close()
	for trace, err := range s.Traces(ctx, store.Query{}) {
		if err != nil {
			log.Print(err)
			return
		}
		for n, err := range s.Notifications(ctx, trace.BaseID) {
			if err != nil {
				log.Print(err)
				return
			}
			fmt.Println(n.Project, n.Service, n.Name)
		}
	}
}

func ExampleOpen() {
	folder, remove := temporary()
	defer remove()
	connectionString := "sqlite:///" + filepath.Join(folder, "traces.db")
	ctx := context.Background()

	exp, err := exporter.Open(ctx, connectionString)
	if err != nil {
		log.Print(err)
		return
	}
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exp),
		trace.WithResource(resource.NewSchemaless(
			semconv.ServiceNamespace("nova"), // OSProfiler's project
			semconv.ServiceName("metadata"),  // its service
			semconv.HostName("controller-1"), // its host
		)),
	)
	otel.SetTracerProvider(provider)

	_, span := otel.Tracer("example").Start(ctx, "lookup")
	span.End()

	shutdown := func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil { // writes what is left and closes the store
			log.Print(err)
		}
	}
	shutdown()
	show(connectionString)
	// Output:
	// nova metadata lookup-start
	// nova metadata lookup-stop
}

// With verbose logging, the SDK logs how many spans it exports and how many it
// drops.
func ExampleOpen_log() {
	stdr.SetVerbosity(5) // 1: warnings, 4: information, 8: everything
	otel.SetLogger(stdr.New(log.New(os.Stderr, "otel ", log.LstdFlags)))

	stdr.SetVerbosity(0)
	// Output:
}

// A program that already exports elsewhere keeps that exporter. The OSProfiler
// exporter is added.
func ExampleNew() {
	folder, remove := temporary()
	defer remove()
	path := filepath.Join(folder, "traces.jsonl")
	ctx := context.Background()
	elsewhere := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(elsewhere)) // the existing exporter

	s, err := file.Open("file://" + path) // a store that the program opened itself
	if err != nil {
		log.Print(err)
		return
	}
	defer s.Close()
	exp := exporter.New(s, exporter.WithProject("nova"), exporter.WithService("metadata"))
	provider.RegisterSpanProcessor(trace.NewBatchSpanProcessor(exp))

	_, span := provider.Tracer("example").Start(ctx, "lookup")
	span.End()
	if err := provider.ForceFlush(ctx); err != nil {
		log.Print(err)
	}
	fmt.Println("elsewhere:", len(elsewhere.GetSpans()), "span")
	show("file://" + path)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = provider.Shutdown(ctx)
	// Output:
	// elsewhere: 1 span
	// nova metadata lookup-start
	// nova metadata lookup-stop
}

func ExampleWithRetry() {
	busy := errors.New("the server is busy")
	driver := &scripted{write: failing(2, &store.WriteError{Transient: true, Err: busy})}
	s := store.New(driver)

	exp := exporter.New(s, exporter.WithRetry(store.Retry{
		Initial: 5 * time.Millisecond,  // before the second try; default 100 ms
		Max:     50 * time.Millisecond, // between two tries; default 5 s
		Elapsed: 10 * time.Second,      // of all tries; default 30 s; negative: one try only
	}))

	err := exp.ExportSpans(context.Background(), spans(1))
	fmt.Println(err, driver.tries, "tries")
	// Output: <nil> 3 tries
}

// The error says how many notifications are missing, which ones, and why.
func ExampleExporter_ExportSpans() {
	busy := errors.New("the disk is full")
	s := store.New(&scripted{write: failing(1, &store.WriteError{Missing: []int{3}, Err: busy})})
	exp := exporter.New(s)
	ctx := context.Background()

	err := exp.ExportSpans(ctx, spans(2))
	fmt.Println(err)
	var missing *store.WriteError
	if errors.As(err, &missing) {
		fmt.Println("missing:", missing.Missing) // of start, stop, start, stop
	}
	// Output:
	// the disk is full; 1 of 4 notifications may not be stored
	// missing: [3]
}

func ExampleWithRedaction() {
	driver := &scripted{}
	s := store.New(driver)

	exp := exporter.New(s, exporter.WithRedaction(tags.Redaction{DBParams: true}))

	provider := trace.NewTracerProvider(trace.WithSyncer(exp))
	_, span := provider.Tracer("example").Start(context.Background(), "query")
	span.SetAttributes(attribute.String("db.system.name", "mysql"),
		attribute.String("db.query.text", "SELECT name FROM user WHERE token = ?"),
		attribute.String("db.query.parameter.0", "secret"))
	span.End()
	db, _ := driver.stored[0].Info.Get("db")
	fmt.Println(driver.stored[0].Name, db)
	// Output: db-start {"statement": "SELECT name FROM user WHERE token = ?", "params": ["***"]}
}
