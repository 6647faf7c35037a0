package relay

import (
	"errors"
	"math"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
)

// If a target reports more rejected spans than there are, no more notifications count as
// refused than there are.
func TestRejectedSpansAreNoMoreThanThereAre(t *testing.T) {
	whole := tracetest.SpanStub{}.Snapshot()
	half := tracetest.SpanStub{Attributes: []attribute.KeyValue{attribute.String(string(convert.MissingKey), "stop")}}.Snapshot()
	spans := []sdktrace.ReadOnlySpan{whole, half, whole}
	for _, c := range []struct {
		rejected int
		missing  []int
		want     int
	}{
		{1, nil, 2}, {2, nil, 4}, {3, nil, 5}, {4, nil, 5}, {math.MaxInt, nil, 5}, {math.MaxInt/2 + 1, nil, 5},
		{-1, []int{0}, 0}, {math.MinInt, []int{0}, 0}, {3, []int{0}, 3}, {1, []int{0, 2}, 1}, {5, []int{0, 1, 2}, 0},
	} {
		_, _, got := outcomeOf(&exporter.SinkError{Rejected: c.rejected, Missing: c.missing, Err: errors.New("no")}, spans)
		if got != c.want {
			t.Errorf("%d rejected and %d missing: %d notifications, not %d", c.rejected, len(c.missing), got, c.want)
		}
	}
}
