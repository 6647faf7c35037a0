package jaeger

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A server for HTTPS refuses every request without TLS. This refusal does not make the
// exporter drop spans, unlike a 400 of a collector.
func TestNoSpanIsRefusedForWantOfTLS(t *testing.T) {
	for _, body := range []string{"Client sent an HTTP request to an HTTPS server.\n", "<center>The plain HTTP request was sent to HTTPS port</center>"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, http.StatusBadRequest) }))
		err := open(t, "jaeger+"+s.URL, once).ExportSpans(t.Context(), manySpans(3, 1))
		s.Close()
		failure := sinkError(t, err)
		if len(failure.Refused) > 0 || len(failure.Missing) != 3 || !strings.Contains(err.Error(), "speaks TLS; the scheme should be jaeger+https") {
			t.Errorf("%v, %v", err, failure)
		}
	}
}
