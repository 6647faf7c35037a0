package bridge

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// MaxHeader is the largest size of an X-Trace-Info header, in bytes. Headers of the
// Python library have about 150. A longer header is ignored before its signature is
// checked, and is not sent.
const MaxHeader = 8 << 10

// NewPropagator returns the propagator of X-Trace-Info and X-Trace-HMAC alone. A
// service that also uses W3C Trace Context calls [NewPropagators].
//
// Extract accepts a header that one of the keys signed, by the rules of the Python
// library ([osprofiler.UnpackTraceInfo]). Without such a header it returns the
// context unchanged: the request is untraced and never refused. The caller in a
// verified header becomes the remote span context, sampled. A caller with only a
// base id becomes a span context with a trace id and no span id, under which OTel
// starts a root. If another propagator has put a remote span context into the
// context and it names the same span, it stays. Otherwise the verified caller
// replaces it, and [NewLinkProcessor] or [NewHandler] add a link to it.
//
// Inject writes the headers only for a trusted trace ([Trusted]), and with the key
// that verified it. It never turns an unsigned traceparent into a signed header. In
// a composite propagator this one should be the last, as in NewPropagators, so that
// nothing unsigned is read after it.
//
// Without keys no trace is trusted. NewPropagator then logs a warning through
// [log/slog], once for the same keys.
func NewPropagator(keys *Keys) propagation.TextMapPropagator {
	if len(keys.all()) == 0 {
		keys.warn([]string{"there are no HMAC keys, so that no request is traced on demand; set " + KeysVariable})
	}
	return &propagator{keys}
}

// NewPropagators returns the propagator of a service that takes part in OTel's
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

// macHeader returns the name of X-Trace-HMAC in a carrier. It is the canonical name
// for net/http, which saves net/http the conversion.
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
	if t := trustedTraceOf(ctx); t != nil && named.IsValid() && !t.remote.Equal(named) {
		// The context had a trusted caller. The caller that is named now has not signed.
		return withTrustedTrace(ctx, nil)
	}
	return ctx
}

// verified reads the two headers. It checks their form before it computes or
// decodes anything.
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

// single returns a header that is present once, as far as the carrier can tell. Of
// two it returns neither, because it is unknown which one is meant.
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
	t := trustedTraceFor(ctx, sc.TraceID())
	if t == nil || t.key == "" || !sc.IsSampled() {
		return
	}
	info, mac := t.traceInfoOf(sc).Pack(t.key)
	if len(info) > MaxHeader {
		return
	}
	carrier.Set(osprofiler.HeaderTraceInfo, info)
	carrier.Set(macHeader(carrier), mac)
}
