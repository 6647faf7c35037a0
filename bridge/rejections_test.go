package bridge_test

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// reports collects the errors that otel.Handle gets during a test.
type reports struct {
	mu    sync.Mutex
	texts []string
}

func (r *reports) Handle(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = append(r.texts, err.Error())
}

// take returns the reports since the last call.
func (r *reports) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	texts := r.texts
	r.texts = nil
	return texts
}

func collectReports(t *testing.T) *reports {
	r, before := &reports{}, otel.GetErrorHandler()
	otel.SetErrorHandler(r)
	t.Cleanup(func() { otel.SetErrorHandler(before) })
	return r
}

// signedHeader packs any text as a trace info and signs it.
func signedHeader(text, key string) http.Header {
	header := http.Header{}
	info := base64.URLEncoding.EncodeToString([]byte(text))
	header.Set(osprofiler.HeaderTraceInfo, info)
	header.Set(osprofiler.HeaderTraceHMAC, macOf(info, key))
	return header
}

func TestRejectedHeaders(t *testing.T) {
	const good = `{"base_id": "a", "parent_id": "b"}`
	change := func(name string, values ...string) http.Header {
		header := signedHeader(good, "right")
		delete(header, http.CanonicalHeaderKey(name))
		for _, v := range values {
			header.Add(name, v)
		}
		return header
	}
	const info, mac = osprofiler.HeaderTraceInfo, osprofiler.HeaderTraceHMAC
	for _, c := range []struct {
		name, want string
		header     http.Header
		keys       []string
	}{
		{"another key", "none of the HMAC keys fits", signedHeader(good, "wrong"), []string{"right", "other"}},
		{"no keys", "there are no HMAC keys", signedHeader(good, "right"), nil},
		{"no base64", "X-Trace-Info is not base64 of UTF-8 text", notBase64("right"), []string{"right"}},
		{"no JSON", "X-Trace-Info does not hold a JSON object", signedHeader("text", "right"), []string{"right"}},
		{"a list", "X-Trace-Info does not hold a JSON object", signedHeader("[]", "right"), []string{"right"}},
		{"no base id", "X-Trace-Info should hold base_id and parent_id alone, as texts", signedHeader("{}", "right"), []string{"right"}},
		{"no HMAC", "X-Trace-HMAC is missing", change(mac), []string{"right"}},
		{"no info", "X-Trace-Info is missing", change(info), []string{"right"}},
		{"two HMACs", "X-Trace-HMAC occurs more than once", change(mac, "1", "2"), []string{"right"}},
		{"two infos", "X-Trace-Info occurs more than once", change(info, "1", "2"), []string{"right"}},
		{"upper case", "X-Trace-HMAC should be 40 lower-case hexadecimal digits", change(mac, strings.Repeat("A", 40)), []string{"right"}},
		{"long info", "a header is longer than 8 KiB", change(info, strings.Repeat("A", 9000)), []string{"right"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			handled, keys := collectReports(t), bridge.NewKeys(c.keys...)
			propagator := bridge.NewPropagator(keys)
			if ctx := propagator.Extract(t.Context(), propagation.HeaderCarrier(c.header)); bridge.Trusted(ctx) {
				t.Fatal("the request is trusted")
			}
			if want := map[string]uint64{c.want: 1}; !maps.Equal(keys.Rejected(), want) {
				t.Errorf("counted %v, want %v", keys.Rejected(), want)
			}
			texts := handled.take()
			if len(texts) != 1 || !strings.Contains(texts[0], ": "+c.want+"; ") {
				t.Errorf("reported %q, want the reason %q", texts, c.want)
			}
			if _, _, err := keys.Verify(propagation.HeaderCarrier(c.header)); err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("Verify says %v, want %q", err, c.want)
			}
		})
	}
}

func notBase64(key string) http.Header {
	header := http.Header{}
	header.Set(osprofiler.HeaderTraceInfo, "e30")
	header.Set(osprofiler.HeaderTraceHMAC, macOf("e30", key))
	return header
}

// A request without either header is not counted.
func TestPlainRequestIsNotRejected(t *testing.T) {
	handled, keys := collectReports(t), bridge.NewKeys("k")
	bridge.NewPropagator(keys).Extract(context.Background(), propagation.HeaderCarrier{})
	if got := keys.Rejected(); len(got)+len(handled.take()) != 0 {
		t.Errorf("counted %v", got)
	}
}

// A caller that sends bad headers all the time causes one report in five minutes.
func TestRejectionsAreReportedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled, keys := collectReports(t), bridge.NewKeys("right")
		propagator := bridge.NewPropagator(keys)
		extract := func(header http.Header) {
			propagator.Extract(t.Context(), propagation.HeaderCarrier(header))
		}
		wrong := signedHeader(`{"base_id": "a"}`, "wrong")
		for range 100 {
			extract(wrong)
		}
		if texts := handled.take(); len(texts) != 1 || !strings.Contains(texts[0], "1 request was not traced on demand") {
			t.Errorf("at first the reports are %q", texts)
		}
		extract(http.Header{"X-Trace-Hmac": {"x"}})
		if texts := handled.take(); len(texts) != 1 || !strings.Contains(texts[0], "none of the HMAC keys fits (99), X-Trace-Info is missing (1)") {
			t.Errorf("with another reason the reports are %q", texts)
		}
		extract(http.Header{"X-Trace-Hmac": {"x"}})
		time.Sleep(5 * time.Minute)
		extract(wrong)
		texts := handled.take()
		if len(texts) != 1 || !strings.Contains(texts[0], "2 requests were not traced on demand") ||
			!strings.Contains(texts[0], "X-Trace-Info is missing (1), none of the HMAC keys fits (1)") &&
				!strings.Contains(texts[0], "none of the HMAC keys fits (1), X-Trace-Info is missing (1)") {
			t.Errorf("after five minutes the reports are %q", texts)
		}
		if strings.Contains(strings.Join(texts, ""), "right") {
			t.Errorf("a report shows a key: %q", texts)
		}
		if got := keys.Rejected()["none of the HMAC keys fits"]; got != 101 {
			t.Errorf("counted %d, want 101", got)
		}
	})
}

func TestVerifyTellsWhichKey(t *testing.T) {
	keys := bridge.NewKeys("old, new")
	caller, index, err := keys.Verify(propagation.HeaderCarrier(signedHeader(`{"base_id": "a", "parent_id": "b"}`, "new")))
	if err != nil || index != 1 || caller != (osprofiler.TraceInfo{BaseID: "a", ParentID: "b"}) {
		t.Errorf("got %v, %d, %v", caller, index, err)
	}
}
