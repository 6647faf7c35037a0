package otlppb_test

import (
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// seedMessages has a message with each kind of member.
func seedMessages() []*tracepb.ResourceSpans {
	whole, odd := wholeSpan(), goodSpan()
	odd.TraceState = "not a state!"
	return append(otlppb.Encode(whole.Snapshot()), messageOf(odd, &tracepb.Span{})...)
}

// checkMessages converts messages to notifications and back. Each span is either refused by
// name, or unchanged after both conversions.
func checkMessages(t *testing.T, messages []*tracepb.ResourceSpans, unread []*otlppb.SpanError) {
	d, c := &otlppb.Decoder{}, convert.New()
	spans, refused := d.Spans(messages)
	for _, e := range append(unread, refused...) {
		if text := e.Error(); text == "" || len(text) > 4096 {
			t.Fatalf("the error is %q", text)
		}
	}
	for _, s := range spans {
		notifications := c.Append(nil, convert.Both, s)
		if convert.OfNotifications(s) {
			continue // attributes say which notifications it is
		}
		if len(notifications) != 2 {
			t.Fatalf("%d notifications", len(notifications))
		}
		var halves [2]osprofiler.Notification
		for i, n := range notifications {
			if err := n.Validate(); err != nil {
				t.Fatal(err)
			}
			back, err := osprofiler.ParseNotification(n.JSON())
			if err != nil {
				t.Fatal(err, n.JSON())
			}
			halves[i] = back
		}
		back := c.SpanOf(&halves[0], &halves[1])
		if want, got := otlppb.Encode(s)[0], otlppb.Encode(back)[0]; !proto.Equal(want, got) {
			t.Fatalf("the span changed\nfrom %v\nto   %v\nby   %s", want, got, halves[1].JSON())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(marshalled(f, seedMessages()))
	f.Add(marshalled(f, messageOf(goodSpan(), goodSpan())))
	f.Add([]byte("\x0a\x02\x12\x05"))
	f.Fuzz(func(t *testing.T, body []byte) {
		checkFast(t, body)
		messages, unread, err := otlppb.Parse(body)
		if err != nil {
			return
		}
		checkMessages(t, messages, unread)
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, opts := range []protojson.MarshalOptions{{}, {UseProtoNames: true, UseEnumNumbers: true}} {
		for _, m := range seedMessages() {
			f.Add(otlpJSON(f, m, opts))
		}
	}
	f.Add(jsonBefore + jsonSpan(`"name":"\ud800","kind":"x"`) + jsonAfter)
	f.Add(`{"resourceSpans":[{"resource":{"attributes":[1]}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		messages, unread, err := otlppb.ParseJSON(body)
		if err != nil {
			return
		}
		checkMessages(t, messages, unread)
	})
}
