package otlppb_test

import (
	"slices"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// checkFast checks that parseFast reads a body as package proto does, or returns false.
func checkFast(t interface{ Fatalf(string, ...any) }, body []byte) (ok bool) {
	messages, ok := otlppb.ParseFast(body)
	if !ok {
		return false
	}
	want := &tracepb.TracesData{}
	if err := proto.Unmarshal(body, want); err != nil {
		t.Fatalf("what is not valid was read: %v: %x", err, body)
	}
	if got := (&tracepb.TracesData{ResourceSpans: messages}); !proto.Equal(got, want) {
		t.Fatalf("the body was read as\n%v\nnot as\n%v\nfrom %x", got, want, body)
	}
	return true
}

// parseFast reads every message of this version of OTLP.
func TestParseFast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if body := marshalled(t, rapid.SliceOfN(genMessage, 0, 3).Draw(t, "messages")); !checkFast(t, body) {
			t.Fatalf("the fast way was not taken: %x", body)
		}
	})
}

// parseFast never differs from package proto if bytes are missing, wrong, additional or
// repeated.
func TestParseFastDamaged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := marshalled(t, []*tracepb.ResourceSpans{genMessage.Draw(t, "message")})
		from := rapid.IntRange(0, len(body)).Draw(t, "from")
		to := rapid.IntRange(from, min(len(body), from+20)).Draw(t, "to")
		part := body[from:to]
		checkFast(t, slices.Concat(body[:from], body[to:]))
		checkFast(t, slices.Concat(body[:to], part, body[to:]))
		checkFast(t, slices.Concat(body[:from], rapid.SliceOfN(rapid.Byte(), 1, 5).Draw(t, "bytes"), body[to:]))
	})
}

// parseFast does not differ from package proto in members that are repeated and in members
// of a newer version, inside a span, a scope and a resource.
func TestParseFastRepeated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genMessage.Draw(t, "a"), genMessage.Draw(t, "b")
		newer := protowire.AppendVarint(protowire.AppendTag(nil, rapid.SampledFrom([]protowire.Number{6, 10, 16, 17, 1000}).Draw(t, "number"), protowire.VarintType), 7)
		twice := func(a, b proto.Message) []byte {
			var parts []byte
			for _, m := range []proto.Message{a, b} {
				part, err := proto.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				parts = append(parts, part...)
			}
			return append(parts, newer[:rapid.SampledFrom([]int{0, len(newer)}).Draw(t, "newer")]...)
		}
		within := func(number protowire.Number, content []byte) []byte {
			return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
		}
		checkFast(t, within(1, twice(a, b)))
		checkFast(t, within(1, within(2, twice(a.ScopeSpans[0], b.ScopeSpans[0]))))
		checkFast(t, within(1, within(2, within(2, twice(a.ScopeSpans[0].Spans[0], b.ScopeSpans[0].Spans[0])))))
		for _, attribute := range a.ScopeSpans[0].Spans[0].Attributes {
			checkFast(t, within(1, within(2, within(2, within(9, twice(attribute, attribute))))))
			checkFast(t, within(1, within(2, within(2, within(9, within(2, twice(attribute.Value, attribute.Value)))))))
		}
	})
}
