package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// unlimited are limits that cut nothing.
func unlimited() sdktrace.SpanLimits {
	return sdktrace.SpanLimits{
		AttributeValueLengthLimit: -1, AttributeCountLimit: -1, EventCountLimit: -1,
		LinkCountLimit: -1, AttributePerEventCountLimit: -1, AttributePerLinkCountLimit: -1,
	}
}

// operations are calls of a Profiler of each kind, with long values and with failures.
var operations = map[string]func(ctx context.Context, p *bridge.Profiler){
	"info": func(ctx context.Context, p *bridge.Profiler) {
		_, op := p.Start(ctx, "boot", `{"who": "somebody", "list": [1, 2, 3]}`)
		op.Stop(`{"seen": "` + osprofiler.Info(strings.Repeat("é", 300)) + `"}`)
	},
	"db": func(ctx context.Context, p *bridge.Profiler) {
		_, op := p.Start(ctx, "db", bridge.DB("SELECT ?", strings.Repeat("x", 5000)))
		op.Stop(bridge.DBResult(strings.Repeat("y", 400)))
	},
	"StartDB": func(ctx context.Context, p *bridge.Profiler) {
		_, op := p.StartDB(ctx, "SELECT ?", strings.Repeat("x", 5000), 12)
		op.StopError(errors.New(strings.Repeat("no such table ", 40)), bridge.DBResult("r"))
	},
	"StartRPC": func(ctx context.Context, p *bridge.Profiler) {
		_, op := p.StartRPC(ctx, "nova.boot", strings.Repeat("世", 200))
		op.StopResult(strings.Repeat("r", 200))
	},
	"failure in the info": func(ctx context.Context, p *bridge.Profiler) {
		_, op := p.StartFunction(ctx, "f", "nova.f")
		op.Stop(`{"etype": "VeryLongNameOfAnException", "message": "because of a reason"}`)
	},
}

// infosOf runs an operation under limits and returns both infos, without info.otel.
// The spans pass through OTLP/JSON in info.otel if again is set.
func infosOf(t *testing.T, limits sdktrace.SpanLimits, run func(context.Context, *bridge.Profiler), opts ...convert.Option) (infos []string, lost uint64) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithRawSpanLimits(limits), sdktrace.WithSpanProcessor(recorder))
	p := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithConventions(tags.Stable))
	run(p.Init(t.Context(), "", ""), p)
	notifications := convert.New(opts...).Append(nil, convert.Both, recorder.Ended()...)
	again := make([]osprofiler.Notification, 0, len(notifications))
	for i := 0; i < len(notifications); i += 2 {
		again = convert.New(opts...).Append(again, convert.Both, convert.SpanOf(&notifications[i], &notifications[i+1]))
	}
	for i, n := range notifications {
		if again[i].JSON() != n.JSON() {
			t.Errorf("through OTLP %s becomes %s", n.JSON(), again[i].JSON())
		}
		infos = append(infos, string(n.Info.Without("otel")))
	}
	return infos, p.Lost()
}

// TestSpanLimits checks that no limit of the SDK cuts the infos that a Profiler
// recorded, as long as the span may have one event.
func TestSpanLimits(t *testing.T) {
	for name, run := range operations {
		want, _ := infosOf(t, unlimited(), run)
		for limit, set := range map[string]func(*sdktrace.SpanLimits){
			"value length 0":   func(l *sdktrace.SpanLimits) { l.AttributeValueLengthLimit = 0 },
			"value length 8":   func(l *sdktrace.SpanLimits) { l.AttributeValueLengthLimit = 8 },
			"value length 100": func(l *sdktrace.SpanLimits) { l.AttributeValueLengthLimit = 100 },
			"count 0":          func(l *sdktrace.SpanLimits) { l.AttributeCountLimit = 0 },
			"count 1":          func(l *sdktrace.SpanLimits) { l.AttributeCountLimit = 1 },
			"count 3":          func(l *sdktrace.SpanLimits) { l.AttributeCountLimit = 3 },
			"one event": func(l *sdktrace.SpanLimits) {
				l.AttributeCountLimit, l.AttributeValueLengthLimit, l.EventCountLimit = 2, 8, 1
			},
			"one attribute an event": func(l *sdktrace.SpanLimits) {
				l.AttributeCountLimit, l.AttributeValueLengthLimit, l.AttributePerEventCountLimit = 2, 8, 1
			},
		} {
			limits := unlimited()
			set(&limits)
			got, lost := infosOf(t, limits, run)
			for i := range want {
				if !sameMembers(osprofiler.Info(got[i]), osprofiler.Info(want[i])) {
					t.Errorf("%s, %s: %.300s\nnot %.300s", name, limit, got[i], want[i])
				}
			}
			if lost != 0 {
				t.Errorf("%s, %s: %d lost", name, limit, lost)
			}
		}
	}
}

// sameMembers compares infos without regard to the order of their members.
func sameMembers(a, b osprofiler.Info) bool {
	members := func(info osprofiler.Info) string {
		all := map[string]string{}
		for key, raw := range info.Members() {
			all[key] = raw
		}
		return fmt.Sprint(all)
	}
	return members(a) == members(b)
}

// TestSpanLimitsWithoutEvents checks that a loss is counted and reported once.
func TestSpanLimitsWithoutEvents(t *testing.T) {
	var reports []string
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { reports = append(reports, err.Error()) }))
	defer otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	limits := unlimited()
	limits.AttributeValueLengthLimit, limits.EventCountLimit = 8, 0
	_, lost := infosOf(t, limits, func(ctx context.Context, p *bridge.Profiler) {
		operations["info"](ctx, p)
		operations["db"](ctx, p)
	})
	if lost != 2 || len(reports) != 1 || !strings.Contains(reports[0], "OTEL_SPAN_EVENT_COUNT_LIMIT") {
		t.Errorf("%d are lost, reports: %q", lost, reports)
	}
}

// TestSpanLimitsRedacted checks that the infos of the event are redacted, too.
func TestSpanLimitsRedacted(t *testing.T) {
	limits := unlimited()
	limits.AttributeValueLengthLimit = 30
	secret := "secret-" + strings.Repeat("x", 60)
	infos, _ := infosOf(t, limits, func(ctx context.Context, p *bridge.Profiler) {
		_, op := p.StartDB(ctx, "SELECT ?", secret)
		op.StopResult(secret)
	}, convert.WithRedaction(tags.Redaction{DBParams: true}))
	for _, info := range infos {
		if strings.Contains(info, "secret") {
			t.Errorf("%s holds the secret", info)
		}
	}
}

// TestSpanLimitsLearned checks that a Profiler adds no event once it knows that nothing is
// cut, and that operations inside a cut one have their own infos.
func TestSpanLimitsLearned(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	p := bridge.NewProfiler(bridge.WithTracerProvider(provider))
	for _, run := range operations {
		run(p.Init(t.Context(), "", ""), p)
	}
	for _, s := range recorder.Ended() {
		for _, e := range s.Events() {
			if e.Name == convert.InfoEvent {
				t.Errorf("%s has the event", s.Name())
			}
		}
	}
}

// redacting replaces statements when a span starts, as a processor of a service may.
type redacting struct{ with string }

func (r redacting) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	s.SetAttributes(attribute.String("db.query.text", r.with))
}
func (redacting) OnEnd(sdktrace.ReadOnlySpan)      {}
func (redacting) Shutdown(context.Context) error   { return nil }
func (redacting) ForceFlush(context.Context) error { return nil }

// A text that a processor has replaced does not count as cut by the limits: the original text
// does not appear in an event.
func TestRedactedTextIsNotCut(t *testing.T) {
	for _, with := range []string{"REDACTED", ""} {
		recorder := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(redacting{with}), sdktrace.WithSpanProcessor(recorder))
		p := bridge.NewProfiler(bridge.WithTracerProvider(provider))
		_, op := p.StartDB(p.Init(t.Context(), "", ""), "SELECT 'secret'")
		op.Stop("")
		for _, n := range convert.New().Append(nil, convert.Both, recorder.Ended()...) {
			if strings.Contains(n.JSON(), "secret") || len(recorder.Ended()[0].Events()) > 0 {
				t.Errorf("%q: %s", with, n.JSON())
			}
		}
	}
}
