package live_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
)

// TestSpanLimits checks that the start of a running operation has its whole info,
// although the SDK cuts its attributes, and that an operation inside it has its own.
func TestSpanLimits(t *testing.T) {
	s := &scripted{}
	processor := live.New(store.New(s))
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{AttributeValueLengthLimit: 8, AttributeCountLimit: 128, EventCountLimit: 128, AttributePerEventCountLimit: 128}))
	p := bridge.NewProfiler(bridge.WithTracerProvider(provider))
	ctx, outer := p.Start(p.Init(t.Context(), "", ""), "boot", `{"who": "somebody", "list": [1, 2, 3]}`)
	ctx, inner := p.StartDB(ctx, "SELECT ?", strings.Repeat("x", 300))
	_, short := p.Start(ctx, "short", "")
	if err := processor.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := s.names(); len(names) != 3 {
		t.Fatalf("stored are %q", names)
	}
	check := func(n osprofiler.Notification, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(string(n.Info), part) {
				t.Errorf("%s has no %s in %s", n.Name, part, n.Info)
			}
		}
	}
	check(s.stored[0], `"who": "somebody"`, `"list": [1, 2, 3]`)
	check(s.stored[1], `{"db": {"statement": "SELECT ?", "params": ["`+strings.Repeat("x", 300)+`"]}`)
	if info := s.stored[2].Info; strings.Contains(string(info), "somebody") || info.Has("db") {
		t.Errorf("short has %s", info)
	}
	short.Stop("")
	inner.StopResult(strings.Repeat("r", 100))
	outer.Stop(`{"seen": "a text of more than 8 characters"}`)
	stop, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := processor.Shutdown(stop); err != nil {
		t.Fatal(err)
	}
	check(s.stored[4], `{"db": {"result": "`+strings.Repeat("r", 100)+`"}`)
	check(s.stored[5], `"seen": "a text of more than 8 characters"`)
}

// Both halves of an operation have the same name, even if the statement is set
// after the start.
func TestLateStatement(t *testing.T) {
	s := &scripted{}
	processor := live.New(store.New(s))
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor))
	_, span := provider.Tracer("gorm").Start(t.Context(), "gorm.Query", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.system.name", "mysql")))
	if err := processor.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	span.SetAttributes(attribute.String("db.query.text", "SELECT 1"))
	span.End()
	stop, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := processor.Shutdown(stop); err != nil {
		t.Fatal(err)
	}
	if names := s.names(); len(names) != 2 || names[0] != "db-start" || names[1] != "db-stop" {
		t.Errorf("stored are %q", names)
	}
}
