package bridge_test

import (
	"context"
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/propagation"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// If another propagator reads an unsigned traceparent after ours has read the signed header,
// the span of the traceparent is not passed on signed, even within the same trace.
func TestUnsignedCallerOfTheSameTraceIsNotVouchedFor(t *testing.T) {
	ours := bridge.NewPropagator(bridge.NewKeys("k"))
	const baseID = "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01"
	header := http.Header{}
	info, mac := osprofiler.TraceInfo{BaseID: baseID, ParentID: "0f3b7c7e-1a2b-4c3d-8e4f-5a6b7c8d9e02"}.Pack("k")
	header.Set(osprofiler.HeaderTraceInfo, info)
	header.Set(osprofiler.HeaderTraceHMAC, mac)
	carrier := propagation.HeaderCarrier(header)
	if ctx := ours.Extract(context.Background(), carrier); !bridge.Trusted(ctx) {
		t.Fatal("the signed header alone should be trusted")
	}
	header.Set("Traceparent", "00-bd1f8a526c3e4f5f9c0a3c9c6d2e1a01-eeeeeeeeeeeeeeee-01")
	otherOrder := propagation.NewCompositeTextMapPropagator(ours, propagation.TraceContext{})
	ctx := otherOrder.Extract(context.Background(), carrier)
	out := propagation.HeaderCarrier{}
	ours.Inject(ctx, out)
	if bridge.Trusted(ctx) || len(out) != 0 {
		t.Errorf("trusted: %v, headers: %v", bridge.Trusted(ctx), out)
	}
}
