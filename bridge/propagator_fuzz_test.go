package bridge_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// FuzzExtract passes any headers to the propagators. Nothing panics, a context is trusted
// exactly if one of the keys signed the headers, and the same trace is passed on.
func FuzzExtract(f *testing.F) {
	for _, c := range headerCases(f) {
		f.Add(c.Headers[osprofiler.HeaderTraceInfo], c.Headers[osprofiler.HeaderTraceHMAC], w3cOf(theInfo), "osp=MTI.,vendor=1", false)
		f.Add(c.Headers[osprofiler.HeaderTraceInfo], "", "00-11111111111111111111111111111111-2222222222222222-01", "", true)
	}
	for _, id := range hostileIDs {
		info := base64.URLEncoding.EncodeToString([]byte(`{"base_id": ` + id + `, "parent_id": ` + id + `}`))
		f.Add(info, "", w3cOf(theInfo), "osp=7aCA.,vendor=1", true)
	}
	keys := []string{"SECRET_KEY", "other-key", "kéy"}
	prop := bridge.NewPropagators(bridge.NewKeys(keys...))
	f.Fuzz(func(t *testing.T, info, mac, parent, state string, sign bool) {
		if sign { // otherwise hardly any header passes the signature check
			mac = macOf(info, keys[1])
		}
		in := http.Header{"X-Trace-Info": {info}, "X-Trace-Hmac": {mac}, "Traceparent": {parent}, "Tracestate": {state}}
		ctx := prop.Extract(t.Context(), propagation.HeaderCarrier(in))
		told, key, err := osprofiler.UnpackTraceInfo(info, mac, keys)
		accepted := err == nil && len(info) <= bridge.MaxHeader && len(mac) <= bridge.MaxHeader
		if bridge.Trusted(ctx) != accepted {
			t.Fatalf("%q %q: trusted is %v, %v", info, mac, !accepted, err)
		}
		out := http.Header{}
		prop.Inject(ctx, propagation.HeaderCarrier(out))
		got := [2]string{out.Get("X-Trace-Info"), out.Get("X-Trace-HMAC")}
		if !accepted {
			if got != [2]string{} {
				t.Fatalf("%q %q goes on signed: %q", info, mac, got)
			}
			return
		}
		sc := trace.SpanContextFromContext(ctx)
		if sc.TraceID() != osprofiler.TraceIDOf(told.BaseID) && told.BaseID == again(t, info, mac, keys) || !sc.IsRemote() || !sc.IsSampled() {
			t.Fatalf("%+v became %+v", told, sc)
		}
		if got[0] == "" {
			return // too long to be passed on
		}
		on, _, err := osprofiler.UnpackTraceInfo(got[0], got[1], []string{key})
		if err != nil || on != told && told.BaseID == again(t, info, mac, keys) {
			t.Fatalf("%+v goes on as %+v, %v", told, on, err)
		}
	})
}

// again unpacks the headers once more, because an empty base id becomes another one each time.
func again(t *testing.T, info, mac string, keys []string) string {
	t.Helper()
	told, _, err := osprofiler.UnpackTraceInfo(info, mac, keys)
	if err != nil {
		t.Fatal(err)
	}
	return told.BaseID
}

// macOf signs any text.
func macOf(text, key string) string {
	h := hmac.New(sha1.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}
