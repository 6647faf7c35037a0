package otlppb_test

import (
	"math"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// The nanoseconds of a time that OTLP cannot represent do not overflow.
func TestTimesThatOTLPCannotSay(t *testing.T) {
	for text, want := range map[string]uint64{
		"0001-01-02T00:00:00Z": 0, "1600-01-01T00:00:00Z": 0, "1969-12-31T23:59:59Z": 0,
		"2262-04-11T00:00:00Z": 9223286400000000000, "2262-04-12T00:00:00Z": math.MaxInt64,
		"2300-01-01T00:00:00Z": math.MaxInt64, "3000-01-01T00:00:00Z": math.MaxInt64, "9999-12-31T23:59:59Z": math.MaxInt64,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		var got tracepb.Span
		if err := proto.Unmarshal(otlppb.AppendSpan(nil, tracetest.SpanStub{StartTime: at, EndTime: at}.Snapshot()), &got); err != nil {
			t.Fatal(err)
		}
		if got.GetStartTimeUnixNano() != want || got.GetEndTimeUnixNano() != want {
			t.Errorf("%s is %d, not %d", text, got.GetEndTimeUnixNano(), want)
		}
	}
}
