package bridge_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A start function starts an operation, and a stop function stops it.
type (
	start func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation)
	stop  func(o *bridge.Operation)
)

// sameStart is a typed start and the equivalent Start with an info.
type sameStart struct {
	name           string
	typed, untyped start
}

// sameStop is a typed stop and the equivalent Stop with an info.
type sameStop struct {
	name           string
	typed, untyped stop
}

// notificationsBy returns the notifications of an operation that is started and stopped with
// these functions. Ids and times are always the same.
func notificationsBy(c tags.Conventions, begin start, end stop) []osprofiler.Notification {
	profiler, exporter := recording(bridge.WithConventions(c))
	_, operation := begin(profiler, profiler.Init(context.Background(), "", ""))
	end(operation)
	spans := exporter.GetSpans()
	at := time.Unix(1_700_000_000, 0)
	for i := range spans {
		spans[i].SpanContext = trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
		spans[i].Parent = trace.SpanContext{}
		spans[i].StartTime, spans[i].EndTime = at, at.Add(time.Second)
		for j := range spans[i].Events {
			spans[i].Events[j].Time = at
		}
	}
	return convert.New(convert.WithHost("host-1")).Append(nil, convert.Both, spans.Snapshots()...)
}

// checkSame checks that both ways result in the same notifications. The whole span is in their
// info.otel.
func checkSame(t interface{ Fatalf(string, ...any) }, c tags.Conventions, begin sameStart, end sameStop) {
	got, want := notificationsBy(c, begin.typed, end.typed), notificationsBy(c, begin.untyped, end.untyped)
	if len(got) != 2 || len(want) != 2 {
		t.Fatalf("%s, %s: %d and %d notifications", begin.name, end.name, len(got), len(want))
	}
	for i := range got {
		if got[i].JSON() != want[i].JSON() {
			t.Fatalf("%s, %s, conventions %v:\nwant %s\ngot  %s", begin.name, end.name, c, want[i].JSON(), got[i].JSON())
		}
	}
}

// startsOf returns all typed starts, for texts and values of any kind.
func startsOf(text string, values []any, r *http.Request) []sameStart {
	scheme := strings.ToLower(r.URL.Scheme)
	return []sameStart{
		{"StartDB", func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.StartDB(ctx, text, values...)
		}, func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.Start(ctx, "db", bridge.DB(text, values...))
		}},
		{"StartRPC", func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.StartRPC(ctx, text, values...)
		}, func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.Start(ctx, "rpc", bridge.Function(text, values...))
		}},
		{"StartFunction", func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.StartFunction(ctx, "boot", text, values...)
		}, func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.Start(ctx, "boot", bridge.Function(text, values...))
		}},
		{"StartFunction rpc", func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.StartFunction(ctx, "rpc", text, values...)
		}, func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.Start(ctx, "rpc", bridge.Function(text, values...))
		}},
		{"StartHTTPServer", func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.StartHTTPServer(ctx, r)
		}, func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.Start(ctx, "wsgi", bridge.Request(r))
		}},
		{"StartHTTPClient", func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.StartHTTPClient(ctx, r)
		}, func(p *bridge.Profiler, ctx context.Context) (context.Context, *bridge.Operation) {
			return p.Start(ctx, scheme, bridge.Requests(r))
		}},
	}
}

// stopsOf returns all typed stops that are allowed after a start.
func stopsOf(begin string, value any, status int) []sameStop {
	result := func(o *bridge.Operation) { o.Stop(bridge.Result(value)) }
	if begin == "StartDB" {
		result = func(o *bridge.Operation) { o.Stop(bridge.DBResult(value)) }
	}
	failure := errors.New(fmt.Sprint(value))
	stops := []sameStop{
		{"Stop", func(o *bridge.Operation) { o.Stop("") }, func(o *bridge.Operation) { o.Stop("") }},
		{"StopResult", func(o *bridge.Operation) { o.StopResult(value) }, result},
		{"StopError", func(o *bridge.Operation) { o.StopError(failure, "") }, func(o *bridge.Operation) {
			o.Stop(tags.Failure{Type: "*errors.errorString", Message: failure.Error()}.Info())
		}},
	}
	if begin == "StartHTTPServer" {
		return stops
	}
	return append(stops, sameStop{"StopStatus",
		func(o *bridge.Operation) { o.StopStatus(status) },
		func(o *bridge.Operation) { o.Stop(bridge.StatusCode(status)) }})
}

// A typed start or stop results in exactly the same bytes as Start or Stop with the equivalent
// info.
func TestTypedCallsAreStartAndStop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t, "text")
		values := rapid.SliceOfN(rapid.Custom(drawValue), 0, 3).Draw(t, "values")
		value := rapid.Custom(drawValue).Draw(t, "value")
		status := rapid.SampledFrom([]int{-1, 0, 200, 404, 500, 70000}).Draw(t, "status")
		begin := rapid.SampledFrom(startsOf(text, values, drawRequest(t))).Draw(t, "start")
		end := rapid.SampledFrom(stopsOf(begin.name, value, status)).Draw(t, "stop")
		c := rapid.SampledFrom([]tags.Conventions{tags.Stable, tags.Old, tags.Both}).Draw(t, "conventions")
		checkSame(t, c, begin, end)
	})
}

// Each shape of a typed call is checked with usual values.
func TestTypedCallsOfEachShape(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://nova.example.com/v2/servers?limit=1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []tags.Conventions{tags.Stable, tags.Old, tags.Both} {
		for _, begin := range startsOf("SELECT 1", []any{1, "x", 2.5, nil}, r) {
			for _, end := range stopsOf(begin.name, "booted", 204) {
				checkSame(t, c, begin, end)
			}
		}
	}
}

func drawText(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "SELECT * FROM t WHERE a = ?", "\xff", "a\xed\xa0\x80b", "\xed\xa0\x80\xed\xb0\x80", "\x00\n\"\\", "böse\u2028", "GET", strings.Repeat("x", 2000),
	})).Draw(t, label)
}

type notJSON struct{ C chan int }

func drawValue(t *rapid.T) any {
	deep := any("x")
	for range rapid.SampledFrom([]int{1, 994, 995, 996, 997, 998, 999, 1001}).Draw(t, "levels") {
		deep = []any{deep}
	}
	return rapid.SampledFrom([]any{
		nil, true, 1, int64(-1), uint64(math.MaxUint64), 2.5, math.NaN(), math.Inf(1), float32(0.1), []byte("\xff"), time.Unix(1, 0), errors.New("e"),
		map[string]any{"b": 1, "a": []any{nil, "\xff"}}, []int{1}, struct{ A string }{"<&>"}, notJSON{}, deep, drawText(t, "value"),
	}).Draw(t, "value")
}

func drawRequest(t *rapid.T) *http.Request {
	r := &http.Request{
		Method: rapid.SampledFrom([]string{"", "GET", "PURGE", "\xff"}).Draw(t, "method"),
		URL: &url.URL{
			Scheme: rapid.SampledFrom([]string{"", "http", "HTTPS", "ftp", "unix", "ht\xff"}).Draw(t, "scheme"),
			Host:   rapid.SampledFrom([]string{"", "Example.com", "h:8080", "h:0", "[::1]:99", "h:x", "\xff"}).Draw(t, "host"),
			Path:   drawText(t, "path"), RawQuery: drawText(t, "query"),
		},
		RequestURI: rapid.SampledFrom([]string{"", "/a?b=c", "http://x/y?z", "*", "/\xff"}).Draw(t, "uri"),
	}
	if rapid.Bool().Draw(t, "tls") {
		r.TLS = &tls.ConnectionState{}
	}
	return r
}

// Only the first stop has an effect, typed or not. A stop of an operation that is not recorded
// does nothing.
func TestTypedStopsCountOnce(t *testing.T) {
	profiler, exporter := recording()
	ctx := profiler.Init(t.Context(), "", "")
	_, operation := profiler.StartFunction(ctx, "boot", "nova.boot")
	operation.StopResult("first")
	operation.StopResult("second")
	operation.StopStatus(200)
	operation.StopError(errors.New("late"), "")
	got := notificationsOf(exporter)
	if len(got) != 2 || got[1].Info.Without("otel") != `{"function": {"result": "first"}, "host": "host-1"}` {
		t.Error(got)
	}
	_, untraced := profiler.StartHTTPServer(t.Context(), &http.Request{}) // also without a URL
	untraced.StopStatus(500)
	_, untraced = profiler.StartHTTPClient(t.Context(), &http.Request{})
	untraced.StopStatus(500)
	_, untraced = profiler.StartDB(t.Context(), "SELECT 1")
	untraced.StopResult(1)
	if len(exporter.GetSpans()) != 1 {
		t.Error("an operation that nobody asked for was recorded")
	}
}

// The operation of an incoming request gets the status of the response, as NewHandler sets it.
func TestStopStatusOfAnAnswer(t *testing.T) {
	for status, want := range map[int]int{0: 4, 200: 5, 404: 5, 503: 6} { // the number of attributes, four of which belong to the start
		profiler, exporter := recording()
		_, operation := profiler.StartHTTPServer(profiler.Init(t.Context(), "", ""), &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/", RawQuery: "a=b"}})
		operation.StopStatus(status)
		if got := exporter.GetSpans()[0]; len(got.Attributes) != want || (got.Status.Description != "") != (status == 503) {
			t.Errorf("%d: %v, %v", status, got.Attributes, got.Status)
		}
	}
}

func ExampleProfiler_StartDB() {
	exporter := tracetest.NewInMemoryExporter() // in a service: exporter.Open(ctx, connectionString)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider))

	ctx := profiler.Init(context.Background(), "", "")
	ctx, boot := profiler.StartRPC(ctx, "nova.boot", "vm-1")
	_, query := profiler.StartDB(ctx, "SELECT * FROM instances WHERE uuid = ?", "vm-1")
	query.StopResult("1 row")
	boot.StopError(errors.New("no host has room"), "")

	for _, n := range convert.New(convert.WithHost("host-1")).Append(nil, convert.Both, exporter.GetSpans().Snapshots()...) {
		fmt.Println(n.Name, n.Info.Without("otel"))
	}
	// Output:
	// db-start {"db": {"statement": "SELECT * FROM instances WHERE uuid = ?", "params": ["vm-1"]}, "host": "host-1"}
	// db-stop {"db": {"result": "1 row"}, "host": "host-1"}
	// rpc-start {"function": {"name": "nova.boot", "args": "(\"vm-1\")"}, "host": "host-1"}
	// rpc-stop {"etype": "*errors.errorString", "message": "no host has room", "host": "host-1"}
}
