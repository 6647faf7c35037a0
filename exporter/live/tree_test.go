package live_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/all"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A plan describes an operation of a random tree of spans, and what happens to
// the operation.
type plan struct {
	Name       string
	Kind       trace.SpanKind
	Attributes []attribute.KeyValue
	Late       []attribute.KeyValue // set while it runs
	LateName   string
	Fails      bool
	EndsEarly  bool // before its children begin
	Hangs      bool // never ends
	Parallel   bool // its children run in goroutines
	Children   []plan
}

var someAttributes = []attribute.KeyValue{
	attribute.String("http.request.method", "GET"), attribute.String("url.path", "/v3/auth"),
	attribute.String("url.scheme", "http"), attribute.String("http.route", "/v3/{x}"),
	attribute.Int("http.response.status_code", 200), attribute.String("db.system.name", "mysql"),
	attribute.String("db.query.text", "SELECT \"ż\"\n"), attribute.StringSlice("tags", []string{"a", "", "b"}),
	attribute.Float64("ratio", 0.1), attribute.Bool("cached", true),
}

// drawPlan draws a tree. mayHang allows operations that never end.
func drawPlan(t *rapid.T, depth int, mayHang bool) plan {
	attrs := rapid.SliceOfN(rapid.SampledFrom(someAttributes), 0, 4)
	p := plan{
		Name:       rapid.SampledFrom([]string{"GET", "compute.boot", "a-start", "-stop", "ż ✓", "x"}).Draw(t, "name"),
		Kind:       trace.SpanKind(rapid.IntRange(1, 5).Draw(t, "kind")),
		Attributes: attrs.Draw(t, "attributes"),
		Late:       attrs.Draw(t, "late"),
		LateName:   rapid.SampledFrom([]string{"", "", "GET /v3/{x}"}).Draw(t, "late name"),
		Fails:      rapid.Bool().Draw(t, "fails"),
		EndsEarly:  rapid.Bool().Draw(t, "ends early"),
		Parallel:   rapid.Bool().Draw(t, "parallel"),
	}
	p.Hangs = mayHang && rapid.IntRange(0, 3).Draw(t, "hangs") == 0
	if depth > 0 {
		for range rapid.IntRange(0, 3).Draw(t, "children") {
			p.Children = append(p.Children, drawPlan(t, depth-1, mayHang))
		}
	}
	return p
}

// run carries out the plan with real spans, and adds the spans that hang to
// hanging.
func (p *plan) run(ctx context.Context, tracer trace.Tracer, hanging *sync.Map) {
	ctx, span := tracer.Start(ctx, p.Name, trace.WithSpanKind(p.Kind), trace.WithAttributes(p.Attributes...))
	span.SetAttributes(p.Late...)
	if p.LateName != "" {
		span.SetName(p.LateName)
	}
	if p.Fails {
		span.RecordError(errors.New("boom"))
		span.SetStatus(codes.Error, "boom")
	}
	end := func() {
		if p.Hangs {
			hanging.Store(span.SpanContext().SpanID(), span)
		} else {
			span.End()
		}
	}
	if p.EndsEarly {
		end()
	} else {
		defer end()
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range p.Children {
		child := func() { p.Children[i].run(ctx, tracer, hanging) }
		if p.Parallel {
			wg.Go(child)
		} else {
			child()
		}
	}
}

// both are two stores to which the same spans are exported: live, and when they
// are finished.
type both struct{ live, finished *store.Store }

// tellBoth runs the plan under one provider that exports to both stores.
func tellBoth(t *rapid.T, b both, p *plan) (traceID trace.TraceID, hanging *sync.Map) {
	processor := live.New(b.live, live.WithBatchSize(rapid.IntRange(1, 8).Draw(t, "batch")))
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(processor), sdktrace.WithBatcher(exporter.New(b.finished)),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.namespace", "nova"),
			attribute.String("service.name", "api"), attribute.String("host.name", "controller-1"))))
	hanging = &sync.Map{}
	ctx, root := provider.Tracer("test").Start(context.Background(), "root")
	p.run(ctx, provider.Tracer("test"), hanging)
	root.End()
	if err := provider.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := processor.Stats(); s.Starts.Dropped+s.Stops.Dropped+s.Starts.Failed+s.Stops.Failed > 0 || s.Starts.Seen != s.Starts.Written || s.Stops.Seen != s.Stops.Written {
		t.Fatalf("all had room: %+v", s)
	}
	return root.SpanContext().TraceID(), hanging
}

func forEachStore(t *testing.T, check func(t *testing.T, open func(name string) *store.Store)) {
	for name, form := range map[string]string{"file": "file://%s?osp_sync=false", "sqlite": "sqlite:///%s"} {
		t.Run(name, func(t *testing.T) {
			check(t, func(file string) *store.Store { return openIn(t, form, file) })
		})
	}
}

// For operations that ended, live and finished exporting write equal
// notifications. An operation that never ends is a start in the live store and
// absent from the other.
func TestLiveAndFinishedSayTheSame(t *testing.T) {
	forEachStore(t, func(t *testing.T, open func(string) *store.Store) {
		b := both{open("live"), open("finished")}
		rapid.Check(t, func(t *rapid.T) {
			p := drawPlan(t, 3, rapid.Bool().Draw(t, "may hang"))
			traceID, hanging := tellBoth(t, b, &p)
			baseID := osprofiler.BaseIDOf(traceID)
			live, finished := halves(t, b.live, baseID), halves(t, b.finished, baseID)
			hung := 0
			hanging.Range(func(id, _ any) bool {
				hung++
				key := osprofiler.IDOf(traceID, id.(trace.SpanID))
				if live[key].start == nil || live[key].stop != nil || finished[key].start != nil {
					t.Fatalf("the operation %s hangs: %v live, %v finished", key, live[key], finished[key])
				}
				delete(live, key)
				return true
			})
			compareHalves(t, live, finished)
			if diff := cmp.Diff(spansOf(t, b.finished, baseID, nil), spansOf(t, b.live, baseID, hanging), protocmp.Transform()); diff != "" {
				t.Fatalf("reader.Spans of the finished store (-) and the live one (+): %s", diff)
			}
			if hung == 0 {
				if diff := cmp.Diff(outline(t, b.finished, baseID), outline(t, b.live, baseID)); diff != "" {
					t.Fatalf("report of the finished store (-) and the live one (+): %s", diff)
				}
			}
		})
	})
}

// A pair has the notifications of one operation.
type pair struct{ start, stop *osprofiler.Notification }

func halves(t *rapid.T, s *store.Store, baseID string) map[string]pair {
	byID := map[string]pair{}
	for n, err := range s.Notifications(context.Background(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		p := byID[n.TraceID]
		half := &p.start
		if n.Half() == osprofiler.Stop {
			half = &p.stop
		}
		if *half != nil {
			t.Fatalf("twice: %s", n.JSON())
		}
		*half = &n
		byID[n.TraceID] = p
	}
	return byID
}

// compareHalves checks that the stops are equal in everything, and the starts
// in everything except what was learned late.
func compareHalves(t *rapid.T, live, finished map[string]pair) {
	if len(live) != len(finished) {
		t.Fatalf("%d ended operations live, %d finished", len(live), len(finished))
	}
	for id, f := range finished {
		l := live[id]
		if l.start == nil || l.stop == nil {
			t.Fatalf("the operation %s ended and has only %v in the live store", id, l)
		}
		finished := *f.stop
		if slices.Contains([]string{"wsgi", "http", "https", "db", "rpc"}, l.stop.Operation()) {
			finished.Name = l.stop.Name // the live processor names blank calls by their kind, too
		}
		if !l.stop.Equal(finished) {
			t.Fatalf("the live stop\n%s\nis not the finished one\n%s", l.stop.JSON(), f.stop.JSON())
		}
		early := *f.start
		early.Name, early.Info = l.start.Name, l.start.Info
		if !l.start.Equal(early) {
			t.Fatalf("the live start\n%s\nis not the finished one\n%s", l.start.JSON(), f.start.JSON())
		}
	}
}

// spansOf reads the spans, without those that hang, in the form in which OTel's
// own exporter would send them.
func spansOf(t *rapid.T, s *store.Store, baseID string, without *sync.Map) map[trace.SpanID]*tracepb.ResourceSpans {
	byID := map[trace.SpanID]*tracepb.ResourceSpans{}
	for span, err := range reader.New(s).Spans(context.Background(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		id := span.SpanContext().SpanID()
		if without != nil {
			if _, hangs := without.Load(id); hangs {
				continue
			}
		}
		client := &capture{}
		otlp, err := otlptrace.New(context.Background(), client)
		if err != nil {
			t.Fatal(err)
		}
		if err := otlp.ExportSpans(context.Background(), []sdktrace.ReadOnlySpan{span}); err != nil {
			t.Fatal(err)
		}
		byID[id] = client.sent[0]
	}
	return byID
}

// capture is an OTLP client that keeps the spans that it is given to send.
type capture struct{ sent []*tracepb.ResourceSpans }

func (*capture) Start(context.Context) error { return nil }
func (*capture) Stop(context.Context) error  { return nil }
func (c *capture) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	c.sent = spans
	return nil
}

// A line is an operation in a report: its position and its times.
type line struct {
	Depth             int
	TraceID, ParentID string
	Started, Finished int64
	Failed            bool
}

// outline reads the tree. The operations are keyed by id, because siblings of
// the same millisecond have no order.
func outline(t *rapid.T, s *store.Store, baseID string) map[string]line {
	report, err := reader.New(s).Report(context.Background(), baseID)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Warnings) > 0 {
		t.Fatalf("warnings: %q", report.Warnings)
	}
	lines := map[string]line{}
	for depth, n := range report.Nodes() {
		lines[n.TraceID] = line{depth, n.TraceID, n.ParentID, n.Started, n.Finished, n.Failed}
	}
	return lines
}

// openIn opens a store in a new folder, which the test closes.
func openIn(t *testing.T, form, name string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), fmt.Sprintf(form, filepath.Join(t.TempDir(), name)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
