package bridge

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// MaxHeader is the largest size of an X-Trace-Info header, in bytes. Headers of the
// Python library have about 150. A longer header is ignored before its signature is
// checked, and is not sent.
const MaxHeader = 8 << 10

// NewPropagator returns the propagator of only X-Trace-Info and X-Trace-HMAC. A service that
// also uses W3C Trace Context calls [NewPropagators].
//
// Extract accepts a header that one of the keys signed, by the rules of the Python library
// ([osprofiler.UnpackTraceInfo]). Without such a header it returns the context unchanged: the
// request is untraced and never refused. Headers that are not accepted are counted and
// reported ([Keys.Rejected]). The caller in a verified header becomes the remote span context,
// sampled. A caller with only a base id becomes a span context with a trace id and no span id,
// under which OTel starts a root. If another propagator has put a remote span context into the
// context and it names the same span, it stays. Otherwise the verified caller replaces it, and
// [NewLinkProcessor] or [NewHandler] add a link to the replaced one.
//
// Inject writes the headers only for a trusted trace ([Trusted]), and with the key that
// verified it. It never turns an unsigned traceparent into a signed header.
//
// In a composite propagator this one should be the last, as in [NewPropagators]. A propagator
// after it replaces the verified caller if the request also has the other propagator's header.
// If that header names the same span, as between two Go services, the trace stays trusted.
// [NewHandler] restores the verified caller in any case. Other instrumentation starts the span
// before this package sees it. The first time, [NewSampler] or [OnDemand] then reports the
// wrong order by [otel.Handle].
//
// Without keys no trace is trusted. NewPropagator then logs a warning through [log/slog], once
// for the same keys.
func NewPropagator(keys *Keys) propagation.TextMapPropagator {
	if keys == nil {
		keys = NewKeys()
	}
	if len(keys.all()) == 0 {
		keys.warn([]string{"there are no HMAC keys, so that no request is traced on demand; set " + KeysVariable})
	}
	return &propagator{keys}
}

// NewPropagators returns the propagator of a service that takes part in OTel's traces and in
// OSProfiler's. It consists of the others, followed by [NewPropagator]. Without others, it
// uses W3C Trace Context and W3C Baggage. A service that already has a propagator passes it as
// one of the others.
func NewPropagators(keys *Keys, others ...propagation.TextMapPropagator) propagation.TextMapPropagator {
	if len(others) == 0 {
		others = []propagation.TextMapPropagator{propagation.TraceContext{}, propagation.Baggage{}}
	}
	return propagation.NewCompositeTextMapPropagator(append(slices.Clone(others), NewPropagator(keys))...)
}

type propagator struct{ keys *Keys }

// Fields implements propagation.TextMapPropagator.
func (p *propagator) Fields() []string {
	return []string{osprofiler.HeaderTraceInfo, osprofiler.HeaderTraceHMAC}
}

// macHeader returns the name of X-Trace-HMAC in a carrier. For net/http it is the canonical
// name, which saves net/http the conversion.
func macHeader(carrier propagation.TextMapCarrier) string {
	if _, ok := carrier.(propagation.HeaderCarrier); ok {
		return canonicalHMAC
	}
	return osprofiler.HeaderTraceHMAC
}

var canonicalHMAC = http.CanonicalHeaderKey(osprofiler.HeaderTraceHMAC)

// Extract implements propagation.TextMapPropagator.
func (p *propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	named := trace.SpanContextFromContext(ctx)
	if !named.IsRemote() {
		named = trace.SpanContext{}
	}
	info, key, err := verify(carrier, p.keys.all())
	if err == nil {
		return withCaller(ctx, info, key, named)
	}
	if !errors.Is(err, errNoHeaders) {
		p.keys.reject(err)
	}
	if t := trustedTraceOf(ctx); t != nil && named.IsValid() && !t.isCaller(named) {
		// The context had a trusted caller. The caller that the request names now has not
		// signed.
		return withTrustedTrace(ctx, nil)
	}
	return ctx
}

// Inject implements propagation.TextMapPropagator.
func (p *propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	sc := trace.SpanContextFromContext(ctx)
	t := trustedTraceFor(ctx, sc.TraceID())
	if t == nil || t.key == "" || !sc.IsSampled() && !(sc.IsRemote() && t.isCaller(sc)) {
		return
	}
	info, mac := t.traceInfoOf(sc).Pack(t.key)
	if len(info) > MaxHeader {
		return
	}
	carrier.Set(osprofiler.HeaderTraceInfo, info)
	carrier.Set(macHeader(carrier), mac)
}
