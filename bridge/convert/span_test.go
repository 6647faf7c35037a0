package convert_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// A copy of a span has all of its properties.
func TestCopySpanKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := genSpan.Draw(t, "span")
		copied := convert.CopySpan(span)
		again := convert.CopySpan(copied.Snapshot())
		for _, s := range []sdktrace.ReadOnlySpan{copied.Snapshot(), again.Snapshot()} {
			if want, got := otlpOf(t, span), otlpOf(t, s); !proto.Equal(want, got) {
				t.Fatalf("the copy is\n%v\nand should be\n%v", got, want)
			}
			if s.ChildSpanCount() != span.ChildSpanCount() || !s.Parent().Equal(span.Parent()) || !s.SpanContext().Equal(span.SpanContext()) {
				t.Fatal("what OTLP lacks differs")
			}
			if s.InstrumentationLibrary() != span.InstrumentationScope() || s.Resource() != span.Resource() { //nolint:staticcheck // the interface has it
				t.Fatal("scope or resource differ")
			}
		}
	})
}

// A snapshot does not change when its Span is changed afterwards.
func TestSnapshotDoesNotChange(t *testing.T) {
	of := resource.NewSchemaless(attribute.String("service.name", "api"))
	s := convert.Span{Name: "before", Resource: of, InstrumentationScope: instrumentation.Scope{Name: "scope"}}
	before := s.Snapshot()
	s.Name, s.Attributes, s.Resource = "after", []attribute.KeyValue{attribute.Bool("new", true)}, nil
	if before.Name() != "before" || len(before.Attributes()) != 0 || before.Resource() != of {
		t.Error("the snapshot changed with the Span")
	}
	if after := s.Snapshot(); after.Name() != "after" || len(after.Attributes()) != 1 || after.Resource() != nil {
		t.Error("a new snapshot should have the new properties")
	}
}

// OfNotifications is true only for spans that were made from notifications.
func TestOfNotifications(t *testing.T) {
	made := convert.Span{Name: "made"}
	fromTracer := typical()
	pair := convert.New().Append(nil, convert.Both, fromTracer)
	carried := convert.SpanOf(&pair[0], &pair[1])
	alone := convert.SpanOf(&pair[0], nil)
	changed := convert.CopySpan(carried)
	changed.Name = "changed"
	for name, c := range map[string]struct {
		span sdktrace.ReadOnlySpan
		want bool
	}{
		"a Tracer's":                {fromTracer, false},
		"made by hand":              {made.Snapshot(), false},
		"carried by info.otel":      {carried, true},
		"of one notification alone": {alone, true},
		"a changed copy":            {changed.Snapshot(), true},
	} {
		if got := convert.OfNotifications(c.span); got != c.want {
			t.Errorf("%s: OfNotifications is %v", name, got)
		}
	}
}

// A span is converted only to the requested halves.
func TestHalves(t *testing.T) {
	c := convert.New()
	pair := c.Append(nil, convert.Both, typical())
	if len(pair) != 2 || pair[0].Half() != osprofiler.Start || pair[1].Half() != osprofiler.Stop {
		t.Fatalf("both halves should be a start and a stop: %v", pair)
	}
	original := pair[0]
	original.Info = original.Info.With("extra", "1")
	for name, span := range map[string]sdktrace.ReadOnlySpan{"a Tracer's": typical(), "of notifications": convert.SpanOf(&original, nil)} {
		both := c.Append(nil, convert.Both, span)
		starts, stops := c.Append(nil, convert.Starts, span), c.Append(nil, convert.Stops, span)
		got := append(append([]osprofiler.Notification{}, starts...), stops...)
		if len(got) != len(both) || len(starts) != 1 || len(c.Append(nil, 0, span)) != 0 {
			t.Fatalf("%s: %d starts and %d stops, but %d in both", name, len(starts), len(stops), len(both))
		}
		for i := range got {
			if got[i] != both[i] || got[i].JSON() != both[i].JSON() {
				t.Errorf("%s: alone a half is\n%s\nand with the other\n%s", name, got[i].JSON(), both[i].JSON())
			}
		}
	}
}

// Appending to the slices of one copy changes neither another copy nor a snapshot.
func TestSpansShareNoRoom(t *testing.T) {
	start := osprofiler.Notification{Name: "db-start", BaseID: osprofiler.NewID(), TraceID: osprofiler.NewID(), Timestamp: "2024-05-06T07:08:09.000010", Info: `{"db": {"statement": "SELECT 1"}, "host": "h"}`}
	made := convert.SpanOf(&start, nil)
	one, two := convert.CopySpan(made), convert.CopySpan(made)
	one.Attributes = append(one.Attributes, attribute.String("mine", "a"))
	snapshot := one.Snapshot()
	two.Attributes = append(two.Attributes, attribute.String("mine", "b"))
	three := one
	three.Attributes = append(three.Attributes, attribute.String("more", "c"))
	one.Attributes = append(one.Attributes, attribute.String("more", "d"))
	attrs := snapshot.Attributes()
	if last := attrs[len(attrs)-1]; last.Value.AsString() != "a" {
		t.Errorf("the snapshot has %v", last)
	}
	if last := three.Attributes[len(three.Attributes)-1]; last.Value.AsString() != "c" {
		t.Errorf("the copy has %v", last)
	}
}
