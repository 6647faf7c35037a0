package otlppb_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// goodSpan is the message of a span with all that it needs.
func goodSpan() *tracepb.Span {
	return &tracepb.Span{
		TraceId: bytesLike(16, 1), SpanId: bytesLike(8, 2), Name: "good",
		StartTimeUnixNano: 1700000000000000000, EndTimeUnixNano: 1700000001000000000,
	}
}

func bytesLike(n int, value byte) []byte { return slices.Repeat([]byte{value}, n) }

func messageOf(spans ...*tracepb.Span) []*tracepb.ResourceSpans {
	return []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}}}}
}

func nested(depth int) *commonpb.AnyValue {
	v := &commonpb.AnyValue{}
	for range depth {
		v = &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{v}}}}
	}
	return v
}

// A span that cannot be converted is refused by name. The other spans are not refused.
func TestRefusedSpans(t *testing.T) {
	for want, change := range map[string]func(*tracepb.Span){
		"the trace id should have 16 bytes, not 15":      func(s *tracepb.Span) { s.TraceId = s.TraceId[1:] },
		"the trace id should have 16 bytes, not 1000":    func(s *tracepb.Span) { s.TraceId = bytesLike(1000, 1) },
		"the span id should have 8 bytes, not 9":         func(s *tracepb.Span) { s.SpanId = bytesLike(9, 1) },
		"should not be missing or zero":                  func(s *tracepb.Span) { s.SpanId = nil },
		"and the span id should not be missing or zero":  func(s *tracepb.Span) { s.TraceId = bytesLike(16, 0) },
		"the parent span id should have 8 bytes, not 16": func(s *tracepb.Span) { s.ParentSpanId = bytesLike(16, 1) },
		"the end time is missing":                        func(s *tracepb.Span) { s.EndTimeUnixNano = 0 },
		"the end time 18446744073709551615 is after":     func(s *tracepb.Span) { s.EndTimeUnixNano = math.MaxUint64 },
		"the time of an event 9223372036854775808 is":    func(s *tracepb.Span) { s.Events = []*tracepb.Span_Event{{TimeUnixNano: math.MaxInt64 + 1}} },
		"in a link, the span id should have 8 bytes":     func(s *tracepb.Span) { s.Links = []*tracepb.Span_Link{{SpanId: bytesLike(7, 1)}} },
		"an attribute is nested more than 100 levels":    func(s *tracepb.Span) { s.Attributes = []*commonpb.KeyValue{{Value: nested(101)}} },
		"an attribute is nested more than 100 levels deep": func(s *tracepb.Span) {
			s.Links = []*tracepb.Span_Link{{Attributes: []*commonpb.KeyValue{{Value: nested(101)}}}}
		},
	} {
		bad := goodSpan()
		bad.Name = "bad\x1b[2J"
		change(bad)
		body := marshalled(t, messageOf(goodSpan(), bad, goodSpan()))
		messages, unread, err := otlppb.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		spans, refused := (&otlppb.Decoder{}).Spans(messages)
		refused = append(unread, refused...)
		if len(spans) != 2 || len(refused) != 1 {
			t.Errorf("%s: %d spans, %v", want, len(spans), refused)
			continue
		}
		text := refused[0].Error()
		if !strings.Contains(text, want) || !strings.Contains(text, `named "bad\x1b[2J"`) || len(text) > 300 {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}

func marshalled(t interface{ Fatal(...any) }, messages []*tracepb.ResourceSpans) []byte {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: messages})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// A value that is nested as deeply as allowed survives notifications.
func TestDeepValue(t *testing.T) {
	s := goodSpan()
	s.Attributes = []*commonpb.KeyValue{{Key: "deep", Value: nested(100)}}
	spans, refused := (&otlppb.Decoder{}).Spans(messageOf(s))
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	notifications := convert.New().Append(nil, convert.Both, spans...)
	back := convert.SpanOf(&notifications[0], &notifications[1])
	// Package cmp would take forever.
	if want, got := otlppb.Encode(spans...)[0], otlppb.Encode(back)[0]; !proto.Equal(want, got) || !proto.Equal(want.ScopeSpans[0].Spans[0].Attributes[0], s.Attributes[0]) {
		t.Errorf("%v is not %v", got, want)
	}
}

// If a text is not UTF-8, its span is refused, or all spans of its scope or resource. The
// errors name the spans.
func TestParseBadText(t *testing.T) {
	for text, want := range map[string]int{"in a span": 1, "in a scope": 3, "in a resource": 5} {
		message := func(name, scope, service string) *tracepb.ResourceSpans {
			s, other := goodSpan(), goodSpan()
			other.Name = name
			return &tracepb.ResourceSpans{SchemaUrl: service, ScopeSpans: []*tracepb.ScopeSpans{
				{Spans: []*tracepb.Span{s, other, s}, SchemaUrl: scope}, {Spans: []*tracepb.Span{s, s}},
			}}
		}
		messages := []*tracepb.ResourceSpans{message("x", "x", "x"), nil}
		switch text {
		case "in a span":
			messages[1] = message("in a span", "x", "x")
		case "in a scope":
			messages[1] = message("x", "in a scope", "x")
		default:
			messages[1] = message("x", "x", "in a resource")
		}
		body := strings.ReplaceAll(string(marshalled(t, messages)), text, "\xff"+text[1:])
		got, refused, err := otlppb.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		spans, more := (&otlppb.Decoder{}).Spans(got)
		if len(refused) != want || len(more) > 0 || len(spans) != 10-want {
			t.Errorf("%s: %d refused, %d spans", text, len(refused), len(spans))
		}
		for _, e := range refused {
			if len(e.TraceID) != 16 || len(e.SpanID) != 8 || e.Name == "" {
				t.Errorf("%s: %v", text, e)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, body := range []string{"\xff", "\x0a\x05\x12", "\x0a\x02\x12\x05", "\x0a\x04\x12\x02\x12\x05"} {
		if messages, _, err := otlppb.Parse([]byte(body)); err == nil {
			t.Errorf("%q is %v", body, messages)
		}
	}
}

// A Decoder returns the same *resource.Resource for equal resources, so that exporters can
// group spans by it.
func TestDecoderKeepsResources(t *testing.T) {
	message := func(service string) *tracepb.ResourceSpans {
		m := messageOf(goodSpan())[0]
		m.Resource = otlppb.Resource(resource.NewSchemaless(attribute.String("service.name", service)))
		return m
	}
	d := &otlppb.Decoder{}
	spans, _ := d.Spans([]*tracepb.ResourceSpans{message("a"), message("b"), message("a")})
	if spans[0].Resource() != spans[2].Resource() || spans[0].Resource() == spans[1].Resource() {
		t.Error("the resources are not those of the spans")
	}
	d.Original = func(r *resource.Resource) *resource.Resource {
		return resource.NewSchemaless(attribute.String("n", r.String()))
	}
	if spans, _ = d.Spans([]*tracepb.ResourceSpans{message("a")}); spans[0].Resource().String() != `n=service.name\=a` {
		t.Error(spans[0].Resource())
	}
	for i := range 1000 {
		d.Spans([]*tracepb.ResourceSpans{message(strconv.Itoa(i))})
	}
}

// Decoding keeps an end that is before the start. A span that was made from notifications
// needs no time.
func TestDecodeOddTimes(t *testing.T) {
	s := goodSpan()
	s.StartTimeUnixNano = s.EndTimeUnixNano + 5
	spans, refused := (&otlppb.Decoder{}).Spans(messageOf(s))
	if len(refused) > 0 || spans[0].EndTime().Sub(spans[0].StartTime()) != -5 {
		t.Error(spans, refused)
	}
	s.StartTimeUnixNano, s.EndTimeUnixNano = 0, 0
	messages := messageOf(s)
	messages[0].ScopeSpans[0].Scope = &commonpb.InstrumentationScope{Name: convert.ScopeName}
	if spans, refused = (&otlppb.Decoder{}).Spans(messages); len(refused) > 0 || len(spans) != 1 {
		t.Error(spans, refused)
	}
}

// TestDecodeOddMembers decodes members that a span of the SDK cannot hold.
func TestDecodeOddMembers(t *testing.T) {
	s := goodSpan()
	s.Kind, s.Status = 77, &tracepb.Status{Code: 9, Message: "m"}
	s.ParentSpanId, s.Flags = bytesLike(8, 0), 0xFFFFFFFF
	s.TraceState = "not a state!"
	s.Attributes = []*commonpb.KeyValue{{Key: "a", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValueStrindex{StringValueStrindex: 1}}}, nil, {Key: "a"}}
	spans, refused := (&otlppb.Decoder{}).Spans(messageOf(s))
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	got := spans[0]
	if got.SpanKind() != trace.SpanKindUnspecified || got.Status().Description != "m" || got.Parent().HasSpanID() || !got.Parent().IsRemote() ||
		got.SpanContext().TraceFlags() != 0xFF || len(got.Attributes()) != 4 || got.Attributes()[3] != otlppb.TraceStateKey.String("not a state!") {
		t.Errorf("%+v", got)
	}
}
