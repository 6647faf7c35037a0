package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// recording returns a Profiler and the exporter that gets its spans.
func recording(opts ...bridge.ProfilerOption) (*bridge.Profiler, *tracetest.InMemoryExporter) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(exporter), sdktrace.WithSampler(bridge.NewSampler(nil)))
	return bridge.NewProfiler(append(opts, bridge.WithTracerProvider(provider))...), exporter
}

func notificationsOf(exporter *tracetest.InMemoryExporter) []osprofiler.Notification {
	return convert.New(convert.WithHost("host-1")).Append(nil, convert.Both, exporter.GetSpans().Snapshots()...)
}

func TestOperationsNestAndTellTheirIDs(t *testing.T) {
	profiler, exporter := recording()
	ctx := profiler.Init(t.Context(), "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "")
	ctx, outer := profiler.Start(ctx, "wsgi", `{"request": {"path": "/", "query": "", "method": "GET", "scheme": "http"}}`)
	_, inner := profiler.Start(ctx, "neutron.db", bridge.DB("SELECT ?", 1))
	inner.Stop("")
	outer.Stop("")
	outer.Stop(`{"late": true}`) // only the first stop has an effect

	got := notificationsOf(exporter) // inner start, stop, outer start, stop
	if len(got) != 4 {
		t.Fatal(len(got))
	}
	for i, want := range []struct {
		name string
		op   *bridge.Operation
		info osprofiler.Info
	}{
		{"neutron.db-start", inner, `{"db": {"statement": "SELECT ?", "params": [1]}, "host": "host-1"}`},
		{"neutron.db-stop", inner, `{"host": "host-1"}`},
		{"wsgi-start", outer, `{"request": {"path": "/", "query": "", "method": "GET", "scheme": "http"}, "host": "host-1"}`},
		{"wsgi-stop", outer, `{"host": "host-1"}`},
	} {
		n := got[i]
		n.Info = n.Info.Without("otel")
		wanted := osprofiler.Notification{
			Name: want.name, BaseID: want.op.BaseID(), TraceID: want.op.ID(), ParentID: want.op.ParentID(),
			Timestamp: n.Timestamp, Info: want.info, Project: n.Project, Service: n.Service,
		}
		if !n.Equal(wanted) {
			t.Errorf("\nwant %s\ngot  %s", wanted.JSON(), n.JSON())
		}
	}
	if outer.ParentID() != outer.BaseID() || inner.ParentID() != outer.ID() || outer.BaseID() != "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01" {
		t.Error(outer.ParentID(), inner.ParentID(), outer.BaseID())
	}
	if short := inner.ShortID(); short == "" || !strings.HasSuffix(strings.ReplaceAll(inner.ID(), "-", ""), short) {
		t.Error(short, inner.ID())
	}
}

// The infos of start and stop are in the notifications, whichever conventions the spans have.
func TestInfosSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		convention := rapid.SampledFrom([]tags.Conventions{tags.Stable, tags.Old, tags.Both}).Draw(t, "conventions")
		profiler, exporter := recording(bridge.WithConventions(convention))
		start, stop := drawInfo(t, "start"), drawInfo(t, "stop")
		name := rapid.SampledFrom([]string{"wsgi", "db", "rpc", "boot", "x-y"}).Draw(t, "name")
		_, operation := profiler.Start(profiler.Init(context.Background(), "", ""), name, start)
		operation.Stop(stop)
		got := notificationsOf(exporter)
		host := func(info osprofiler.Info) string { return string(info.Without("host").With("host", `"host-1"`)) }
		for i, want := range []osprofiler.Info{start, stop} {
			n := got[i]
			n.Info = n.Info.Without("otel")
			wanted := n
			wanted.Info = osprofiler.Info(host(want))
			if !n.Equal(wanted) || n.Operation() != name {
				t.Fatalf("conventions %v of %s:\nwant %s\ngot  %s", convention, n.Name, wanted.Info, n.Info)
			}
		}
	})
}

func drawInfo(t *rapid.T, label string) osprofiler.Info {
	known := rapid.SampledFrom([]osprofiler.Info{
		"", "{}", `{"a": 1.0, "b": {"c": [null, NaN]}}`,
		`{"request": {"path": "/x", "query": "a=b", "method": "PURGE", "scheme": "https"}}`,
		`{"request": {"path": "/x"}}`,
		`{"requests": {"method": "GET", "query": "q=1", "path": "/p", "hostname": "h", "port": 80, "scheme": "http"}}`,
		`{"requests": {"status_code": 204}}`,
		`{"db": {"statement": "SELECT 1", "params": {"a": "\ud800"}}}`,
		`{"function": {"name": "a.b", "args": "(1,)", "kwargs": "{}"}, "more": "\u0000"}`,
		`{"function": {"result": "6"}}`,
		`{"etype": "ValueError", "message": "böom"}`,
		`{"etype": "ValueError", "message": null}`,
		`{"etype": "", "message": [2]}`,
		`{"etype": "E", "message": "m", "db": {"original_exception": "o", "chained_exception": ""}}`,
	}).Draw(t, label)
	return known
}

func TestErrorsAndPanics(t *testing.T) {
	profiler, exporter := recording()
	ctx := profiler.Init(t.Context(), "", "")
	wrapped := fmt.Errorf("while opening: %w", &fs.PathError{Op: "open", Path: "/x", Err: errors.New("gone")})
	if err := profiler.Run(ctx, "work", "", func(context.Context) error { return wrapped }); !errors.Is(err, wrapped) {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if cause := recover(); cause != "boom" {
				t.Error("the panic should go on, but was", cause)
			}
		}()
		_ = profiler.Run(ctx, "work", "", func(context.Context) error { panic("boom") })
	}()
	if err := profiler.Run(ctx, "work", "", func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	got := notificationsOf(exporter)
	for i, want := range [][2]string{{"*fs.PathError", "while opening: open /x: gone"}, {"bridge.panicError", "panic: boom"}, {"", ""}} {
		info := got[2*i+1].Info
		if info.Text("etype") != want[0] || info.Text("message") != want[1] {
			t.Errorf("%v: %s", want, info)
		}
	}
	span := exporter.GetSpans()[0]
	if span.Status.Code != codes.Error || len(span.Events) != 1 || span.Events[0].Name != "exception" {
		t.Errorf("%+v", span)
	}
}

func TestUntracedCostsNoSpan(t *testing.T) {
	profiler, exporter := recording()
	ctx, operation := profiler.Start(t.Context(), "work", `{"a": 1}`)
	operation.StopError(errors.New("x"), "")
	if len(exporter.GetSpans()) != 0 || bridge.Trusted(ctx) {
		t.Fatal("nobody asked for this trace")
	}
}

// 32 goroutines start 10,000 operations in one trace. Each operation has its own stop, and is
// below the operation in which it was started.
func TestManyGoroutines(t *testing.T) {
	profiler, exporter := recording()
	ctx, root := profiler.Start(profiler.Init(t.Context(), "", ""), "root", "")
	var parents sync.Map // id -> the parent's id
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 157 {
				inner, operation := profiler.Start(ctx, "work", "")
				_, innermost := profiler.Start(inner, "db", bridge.DB("SELECT 1"))
				parents.Store(operation.ID(), root.ID())
				parents.Store(innermost.ID(), operation.ID())
				operation.Stop("") // before the operations inside it
				innermost.Stop("")
			}
		})
	}
	wg.Wait()
	root.Stop("")
	notifications := notificationsOf(exporter)
	if len(notifications) != 2*(1+32*157*2) {
		t.Fatal(len(notifications))
	}
	for _, n := range notifications {
		parent, _ := parents.Load(n.TraceID)
		if n.TraceID == root.ID() {
			parent = root.BaseID()
		}
		if n.BaseID != root.BaseID() || n.ParentID != parent {
			t.Fatalf("under %v, it stands under %s", parent, n.JSON())
		}
	}
}

func ExampleProfiler() {
	exporter := tracetest.NewInMemoryExporter() // in a service: exporter.Open(ctx, connectionString)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider))

	ctx := profiler.Init(context.Background(), "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "")
	ctx, operation := profiler.Start(ctx, "rpc", bridge.Function("nova.boot", "vm-1"))
	err := profiler.Run(ctx, "db", bridge.DB("SELECT * FROM instances"), func(context.Context) error {
		return errors.New("no such table")
	})
	operation.StopError(err, "")

	for _, n := range convert.New(convert.WithHost("host-1")).Append(nil, convert.Both, exporter.GetSpans().Snapshots()...) {
		fmt.Println(n.Name, n.Info.Without("otel"))
	}
	// Output:
	// db-start {"db": {"statement": "SELECT * FROM instances", "params": {}}, "host": "host-1"}
	// db-stop {"etype": "*errors.errorString", "message": "no such table", "host": "host-1"}
	// rpc-start {"function": {"name": "nova.boot", "args": "(\"vm-1\")"}, "host": "host-1"}
	// rpc-stop {"etype": "*errors.errorString", "message": "no such table", "host": "host-1"}
}

// A text that is not an info is kept as text, and does not affect other members.
func TestInfosThatAreNone(t *testing.T) {
	profiler, exporter := recording()
	ctx := profiler.Init(t.Context(), "", "")
	for given, want := range map[osprofiler.Info]osprofiler.Info{
		" {\"a\":1}\n ":     `{"a": 1, "host": "host-1"}`,
		"{\n  \"a\": 1\n}":  `{"a": 1, "host": "host-1"}`,
		"{\"a\": \"\xff\"}": `{"a": "\ufffd", "host": "host-1"}`,
		"null":              `{"info": "null", "host": "host-1"}`,
		`{"a": `:            `{"info": "{\"a\": ", "host": "host-1"}`,
	} {
		exporter.Reset()
		_, operation := profiler.Start(ctx, "x", given)
		operation.Stop(given)
		for _, n := range notificationsOf(exporter) {
			if err := n.Validate(); err != nil {
				t.Error(err)
			}
			wanted := n
			wanted.Info = want
			if n.Info = n.Info.Without("otel"); !n.Equal(wanted) {
				t.Errorf("%q: %s", given, n.Info)
			}
		}
	}
}
