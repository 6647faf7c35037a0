package convert_test

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

var idMember = regexp.MustCompile(`"(traceId|spanId|parentSpanId)":"([0-9a-f]*)"`)

// officialTracesData reads OTLP/JSON with the official protobuf library. That library lacks
// one of the OTLP specification's own JSON rules, which is that ids are in hex.
func officialTracesData(t interface{ Fatal(...any) }, text string) *tracepb.TracesData {
	text = idMember.ReplaceAllStringFunc(text, func(member string) string {
		m := idMember.FindStringSubmatch(member)
		id, err := hex.DecodeString(m[2])
		if err != nil {
			t.Fatal(err)
		}
		return `"` + m[1] + `":"` + base64.StdEncoding.EncodeToString(id) + `"`
	})
	data := &tracepb.TracesData{}
	if err := protojson.Unmarshal([]byte(text), data); err != nil {
		t.Fatal(err, text)
	}
	return data
}

type childless struct{ sdktrace.ReadOnlySpan }

func (childless) ChildSpanCount() int { return 0 }

// The content of info.otel equals the data that OTel's own OTLP exporter would send.
func TestInfoOTelIsOTLPJSON(t *testing.T) {
	c := convert.New()
	rapid.Check(t, func(t *rapid.T) {
		span := childless{genSpan.Draw(t, "span")}
		if span.Parent().TraceState().String() != span.SpanContext().TraceState().String() {
			t.Skip("carries what OTLP lacks")
		}
		for _, kv := range span.Attributes() {
			if strings.HasPrefix(string(kv.Key), "osprofiler.") {
				t.Skip("is told from what OTLP lacks by a marker")
			}
		}
		stop := c.Append(nil, convert.Stops, span)[0]
		text, _ := pyjson.Text(must(stop.Info.Get("otel")))
		data := officialTracesData(t, text)
		want := otlpOf(t, span)
		if len(data.ResourceSpans) != 1 || len(data.ResourceSpans[0].ScopeSpans) != 1 {
			t.Fatal(text)
		}
		for i, link := range data.ResourceSpans[0].ScopeSpans[0].Spans[0].Links {
			if link.TraceState != span.Links()[i].SpanContext.TraceState().String() {
				t.Fatal("the link's trace state is lost")
			}
			link.TraceState = "" // OTel's exporter forgets it
		}
		if !proto.Equal(data.ResourceSpans[0], want) {
			t.Fatalf("\nwant %v\ngot  %v", want, data.ResourceSpans[0])
		}
	})
}

func must[T any](v T, ok bool) T {
	if !ok {
		panic("not there")
	}
	return v
}

// FuzzInfoOTel checks that any info.otel results in a span and never in a panic.
func FuzzInfoOTel(f *testing.F) {
	stop := convert.New().Append(nil, convert.Stops, typical())[0]
	text, _ := pyjson.Text(must(stop.Info.Get("otel")))
	f.Add(text)
	f.Add(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"","attributes":[{"value":{"arrayValue":{"values":[{},{"intValue":"x"}]}}}]}]}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		n := stop
		n.Info = osprofiler.Info("{}").With("otel", string(pyjson.AppendString(nil, text)))
		span := convert.SpanOf(nil, &n)
		if span == nil || span.SpanContext().SpanID() != typical().SpanContext().SpanID() {
			t.Fatal("a span with the notification's own ids should come out")
		}
		for _, back := range convert.New().Append(nil, convert.Both, span) {
			if err := back.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
