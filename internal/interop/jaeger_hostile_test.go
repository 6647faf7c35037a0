package interop

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// TestJaegerHasHostileSpans sends generated spans with unusual texts, large values, many
// attributes, events, links and times at the edges to each version of Jaeger, by each route
// that the version supports.
func TestJaegerHasHostileSpans(t *testing.T) {
	eachJaeger(t, func(t *testing.T, j *testenv.JaegerServer, route jaegerRoute, export func([]sdktrace.ReadOnlySpan)) {
		g := &spanGenerator{Rand: rand.New(rand.NewPCG(1, 2)), route: route, traceID: oteltrace.TraceID(freshID(t))}
		var spans []sdktrace.ReadOnlySpan
		for i := range 60 {
			spans = append(spans, g.span(byte(i+1)))
		}
		export(spans)
		c := compareJaeger(t, j, route, spans)
		t.Logf("%d tags and log fields are equal, %d were cut", c.tags, c.cut)
		if c.cut > 0 != route.udp {
			t.Errorf("%d values were cut", c.cut)
		}
	})
}

func freshID(t *testing.T) osprofiler.UUID {
	t.Helper()
	id, ok := osprofiler.ParseUUID(freshBaseID(t))
	if !ok {
		t.Fatal("no UUID")
	}
	return id
}

// A spanGenerator makes spans of one trace.
type spanGenerator struct {
	*rand.Rand
	route   jaegerRoute
	traceID oteltrace.TraceID
}

var hostileTexts = []string{
	"", " ", "plain", "naïve ✓ 日本語 😀", "e\u0301", "\u202eright to left", "a\x00b", "line\nbreak\ttab\r", `"quotes" \ and 'more'`, "\u2028\ufeff\uFFFD", "</script><b>&amp;",
	"%s%n%00", "{\"json\": [1]}", "\x1b[31mred", strings.Repeat("long ", 500), "\U0010FFFF",
}

func (g *spanGenerator) text() string { return hostileTexts[g.IntN(len(hostileTexts))] }

func (g *spanGenerator) context(id byte) oteltrace.SpanContext {
	return oteltrace.NewSpanContext(oteltrace.SpanContextConfig{TraceID: g.traceID, SpanID: oteltrace.SpanID{0xff, 7: id}, TraceFlags: oteltrace.FlagsSampled})
}

func (g *spanGenerator) span(id byte) sdktrace.ReadOnlySpan {
	start, end := g.times()
	s := convert.Span{
		Name: g.text(), SpanContext: g.context(id), SpanKind: oteltrace.SpanKind(g.IntN(6)), StartTime: start, EndTime: end,
		Attributes: g.attributes(g.IntN(12)), Status: []sdktrace.Status{{}, {Code: codes.Ok}, {Code: codes.Error}, {Code: codes.Error, Description: g.text()}}[g.IntN(4)],
		Resource:             resource.NewSchemaless(append(g.attributes(3), attribute.String("service.name", "hostile "+fmt.Sprint(id%3)))...),
		InstrumentationScope: instrumentation.Scope{Name: g.text(), Version: g.text()},
	}
	if id > 1 && g.IntN(3) > 0 {
		s.Parent = g.context(byte(1 + g.IntN(int(id)-1)))
	}
	for range g.IntN(4) {
		s.Events = append(s.Events, sdktrace.Event{Name: "event " + g.text(), Time: start.Add(time.Duration(g.IntN(1000))), Attributes: g.attributes(g.IntN(5))})
	}
	for range g.IntN(3) {
		s.Links = append(s.Links, sdktrace.Link{SpanContext: oteltrace.NewSpanContext(oteltrace.SpanContextConfig{TraceID: oteltrace.TraceID{1, byte(g.IntN(9))}, SpanID: oteltrace.SpanID{9, byte(1 + len(s.Links))}})})
	}
	switch id % 10 {
	case 4:
		s.Attributes = g.attributes(300)
	case 7:
		s.Attributes = append(s.Attributes, attribute.String("large", strings.Repeat("é😀x", 64<<10/7)))
	case 9:
		if state, err := oteltrace.ParseTraceState("vendor=a:1,other=b"); err == nil {
			s.SpanContext = s.SpanContext.WithTraceState(state)
		}
	}
	return s.Snapshot()
}

// times returns times at the edges of what Jaeger can show, with nanoseconds.
func (g *spanGenerator) times() (start, end time.Time) {
	start = []time.Time{
		time.Unix(0, 1000), time.Unix(0, 999_999_999), time.Date(2000, 2, 29, 23, 59, 59, 999_999_999, time.UTC), time.Date(2024, 5, 6, 7, 8, 9, 123_456_789, time.UTC),
		time.Date(2038, 1, 19, 3, 14, 8, 1, time.UTC), time.Date(2262, 4, 11, 0, 0, 0, 999, time.UTC),
	}[g.IntN(6)]
	took := []time.Duration{0, 1, 999, 1000, 1001, time.Second - 1, time.Hour, 20 * time.Hour}[g.IntN(8)]
	return start, start.Add(took)
}

// attributes returns attributes of every type, with n different keys.
func (g *spanGenerator) attributes(n int) (attrs []attribute.KeyValue) {
	for i := range n {
		text := g.text()
		if len(text) > 100 && g.route.udp {
			text = "long" // a key is cut too if the span is too large
		}
		key := attribute.Key(fmt.Sprintf("key%d %s", i, text))
		attrs = append(attrs, []attribute.KeyValue{
			key.String(g.text()), key.Bool(g.IntN(2) == 0), key.Int64([]int64{0, -1, math.MaxInt64, math.MinInt64, 1 << 53}[g.IntN(5)]),
			key.Float64([]float64{0, -0.5, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21}[g.IntN(5)]),
			key.StringSlice([]string{g.text(), g.text()}), key.Int64Slice([]int64{1, -2}), key.BoolSlice([]bool{true}), key.Float64Slice([]float64{0.25, 3}),
			{Key: key, Value: attribute.ByteSliceValue([]byte(g.text()))},
		}[g.IntN(9)])
	}
	return attrs
}

// TestJaegerShowsTimesThatItCannotHold sends spans with times that Jaeger's API cannot
// show. By thrift, the exporter replaces these times, and adds the original times as tags.
func TestJaegerShowsTimesThatItCannotHold(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 123_456_000, time.UTC)
	for _, v := range testenv.JaegerVersions {
		j := testenv.Jaeger(t, v)
		traceID := oteltrace.TraceID(freshID(t))
		var spans []sdktrace.ReadOnlySpan
		for i, times := range [][2]time.Time{{at, at.Add(-time.Second)}, {at, {}}, {time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), at}, {at, time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)}} {
			s := convert.Span{
				Name: "edge", StartTime: times[0], EndTime: times[1], Attributes: []attribute.KeyValue{attribute.Float64("nan", math.NaN())},
				SpanContext: oteltrace.NewSpanContext(oteltrace.SpanContextConfig{TraceID: traceID, SpanID: oteltrace.SpanID{7: byte(i + 1)}}),
			}
			spans = append(spans, s.Snapshot())
		}
		e := openExporter(t, jaegerRoutes[2].url(j))
		if err := e.ExportSpans(t.Context(), spans); err != nil {
			t.Fatal(err)
		}
		for _, s := range j.AwaitTrace(traceID.String(), len(spans)).Spans {
			wantTag := []string{"otel.end_time", "otel.end_time", "otel.start_time", "otel.end_time"}[s.SpanID[15]-'1']
			wantStart := at.UnixMicro()
			if wantTag == "otel.start_time" {
				wantStart = 0
			}
			if s.Tag(wantTag) == nil || s.StartTime != wantStart || s.Duration < 0 || s.Tag("nan") != "NaN" {
				t.Errorf("%s: span %s starts at %d and takes %d, with the tags %v", v, s.SpanID, s.StartTime, s.Duration, s.Tags)
			}
		}
	}
}
