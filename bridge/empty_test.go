package bridge_test

import (
	"context"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// TestNoEmptyAttributes checks that calls without parameters or arguments have no
// attribute for them, and that the scope has a version.
func TestNoEmptyAttributes(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	p := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithConventions(tags.Stable))
	for _, start := range []func(context.Context) (context.Context, *bridge.Operation){
		func(ctx context.Context) (context.Context, *bridge.Operation) {
			return p.Start(ctx, "db", bridge.DB("SELECT 1"))
		},
		func(ctx context.Context) (context.Context, *bridge.Operation) { return p.StartDB(ctx, "SELECT 1") },
		func(ctx context.Context) (context.Context, *bridge.Operation) {
			return p.Start(ctx, "rpc", bridge.Function("f"))
		},
		func(ctx context.Context) (context.Context, *bridge.Operation) { return p.StartRPC(ctx, "f") },
	} {
		_, op := start(p.Init(t.Context(), "", ""))
		op.Stop("")
	}
	wants := []osprofiler.Info{
		`{"db": {"statement": "SELECT 1", "params": {}}}`, `{"db": {"statement": "SELECT 1", "params": {}}}`,
		`{"function": {"name": "f"}}`, `{"function": {"name": "f"}}`,
	}
	for i, s := range recorder.Ended() {
		if len(s.Attributes()) != 2 {
			t.Errorf("%s has the attributes %v", s.Name(), s.Attributes())
		}
		if s.InstrumentationScope().Version != osprofiler.Version() {
			t.Errorf("the scope has the version %q", s.InstrumentationScope().Version)
		}
		start := convert.New().Append(nil, convert.Starts, s)[0]
		if got := start.Info.Without("host"); got != wants[i] {
			t.Errorf("info is %s, not %s", got, wants[i])
		}
	}
}
