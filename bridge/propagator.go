package bridge

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// MaxHeader is how many bytes an X-Trace-Info header may have. Upstream's have
// about 150. A longer one is taken for none, before its signature is looked at,
// and is not sent either.
const MaxHeader = 8 << 10

// NewPropagator returns the propagator of X-Trace-Info and X-Trace-HMAC alone.
// A service that speaks W3C Trace Context, too, wants [NewPropagators].
//
// Extract takes what one of the keys signed, by upstream's rules
// ([osprofiler.UnpackTraceInfo]), and leaves the context as it is for anything
// else: a request without a valid signature is untraced, never refused. What a
// verified header says becomes the remote span context, sampled; a caller that
// names only its base id gives one with a trace id and no span id, under which
// OTel starts a root. A remote span context that is there already, from another
// propagator, stays if it is the same; else it loses, and [NewLinkProcessor] or
// [NewHandler] make it a link.
//
// Inject writes the headers only for a trace that is vouched for ([Trusted]),
// and with the key that verified it. A traceparent that came unsigned is never
// turned into a signed header. In a composite it wants to be the last, as
// NewPropagators has it, so that nothing unsigned is read after it.
//
// Without keys nobody is ever trusted; that draws a warning through [log/slog],
// once for the same keys.
func NewPropagator(keys *Keys) propagation.TextMapPropagator {
	if len(keys.all()) == 0 {
		keys.warn([]string{"there are no HMAC keys, so that no request is traced on demand; set " + KeysVariable})
	}
	return &propagator{keys}
}

// NewPropagators returns what a service registers to take part both in OTel's
// traces and in OSProfiler's: W3C Trace Context, W3C Baggage and then
// [NewPropagator].
func NewPropagators(keys *Keys) propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{}, NewPropagator(keys))
}

type propagator struct{ keys *Keys }

// Fields implements propagation.TextMapPropagator.
func (p *propagator) Fields() []string {
	return []string{osprofiler.HeaderTraceInfo, osprofiler.HeaderTraceHMAC}
}

// macHeader is the name of X-Trace-HMAC in a carrier. Net/http writes it in
// another case, and would be at pains to find that out every time.
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
	info, key, ok := p.verified(carrier)
	if ok {
		return withCaller(ctx, info, key, named)
	}
	if v := vouchOf(ctx); v != nil && named.IsValid() && !v.remote.Equal(named) {
		// The context vouched for a caller before; who is named now has not signed.
		return withVouch(ctx, nil)
	}
	return ctx
}

// verified reads the two headers. What cannot be a pair that somebody signed
// is told by its form, before anything is computed or decoded.
func (p *propagator) verified(carrier propagation.TextMapCarrier) (t osprofiler.TraceInfo, key string, ok bool) {
	info := single(carrier, osprofiler.HeaderTraceInfo)
	if info == "" || len(info) > MaxHeader {
		return t, "", false
	}
	mac := single(carrier, macHeader(carrier))
	if len(mac) > MaxHeader {
		return t, "", false
	}
	if mac = strings.TrimSpace(mac); !isMAC(mac) {
		return t, "", false
	}
	t, key, err := osprofiler.UnpackTraceInfo(info, mac, p.keys.all())
	return t, key, err == nil
}

// single returns a header that is there once, as far as the carrier can tell:
// nobody knows which of two was meant.
func single(carrier propagation.TextMapCarrier, header string) string {
	if values, ok := carrier.(propagation.ValuesGetter); ok {
		if all := values.Values(header); len(all) == 1 {
			return all[0]
		}
		return ""
	}
	return carrier.Get(header)
}

// isMAC tells whether the text is an HMAC-SHA1 in lower-case hexadecimal.
func isMAC(text string) bool {
	if len(text) != 40 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || '9' < c) && (c < 'a' || 'f' < c) {
			return false
		}
	}
	return true
}

// Inject implements propagation.TextMapPropagator.
func (p *propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	sc := trace.SpanContextFromContext(ctx)
	v := vouchFor(ctx, sc.TraceID())
	if v == nil || v.key == "" || !sc.IsSampled() {
		return
	}
	info, mac := v.traceInfoOf(sc).Pack(v.key)
	if len(info) > MaxHeader {
		return
	}
	carrier.Set(osprofiler.HeaderTraceInfo, info)
	carrier.Set(macHeader(carrier), mac)
}
