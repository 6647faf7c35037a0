package jaeger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/uber/jaeger-client-go/thrift"
	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A collector answers requests with a status, as a gateway in front of Jaeger does. The
// tests against Jaeger itself are in real_test.go.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	answer   func(b *jaeger.Batch, bytes int) (status int, text string)
	names    []string // of the spans that it took
	requests []*http.Request
	sizes    []int

	retryAfter string // the header
}

func newCollector(t *testing.T, answer func(b *jaeger.Batch, bytes int) (int, string)) *collector {
	t.Helper()
	c := &collector{answer: answer}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		buffer := thrift.NewTMemoryBuffer()
		buffer.Write(body)
		var b jaeger.Batch
		if err == nil {
			err = b.Read(r.Context(), thrift.NewTBinaryProtocolConf(buffer, nil))
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.requests, c.sizes = append(c.requests, r), append(c.sizes, len(body))
		status, text := http.StatusAccepted, ""
		if err != nil {
			status, text = http.StatusBadRequest, err.Error()
		} else if c.answer != nil {
			status, text = c.answer(&b, len(body))
		}
		if status == http.StatusAccepted {
			for _, s := range b.Spans {
				c.names = append(c.names, s.OperationName)
			}
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "http://elsewhere.invalid/")
		}
		w.Header().Set("Retry-After", c.retryAfter)
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) url() string { return "jaeger+" + c.URL }

// once makes a single attempt.
var once = WithRetry(store.Retry{Elapsed: -1})

func sinkError(t *testing.T, err error) *exporter.SinkError {
	t.Helper()
	var failure *exporter.SinkError
	if !errors.As(err, &failure) {
		t.Fatalf("the error is %v", err)
	}
	return failure
}

// Requests are cut by their size, and have the form that every collector takes.
func TestHTTP(t *testing.T) {
	c := newCollector(t, nil)
	e := open(t, c.url()+"?osp_max_message_size=50000")
	if err := e.ExportSpans(t.Context(), manySpans(100, 2000)); err != nil {
		t.Fatal(err)
	}
	if len(c.names) != 100 || slices.Max(c.sizes) > 50_000 || len(c.sizes) > 10 {
		t.Errorf("%d spans came in requests of %d bytes", len(c.names), c.sizes)
	}
	if r := c.requests[0]; r.Method != http.MethodPost || r.RequestURI != "/api/traces?format=jaeger.thrift" || r.Header.Get("Content-Type") != "application/x-thrift" || r.Header.Get("Authorization") != "" {
		t.Errorf("the request is %s %s with %v", r.Method, r.RequestURI, r.Header)
	}
	if err := e.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestHTTPCredentials(t *testing.T) {
	c := newCollector(t, nil)
	host := strings.TrimPrefix(c.URL, "http://")
	for connectionString, want := range map[string]string{
		"jaeger+http://us%40er:p%3Aw@" + host + "/gate/jaeger": "Basic dXNAZXI6cDp3",
		"jaeger+http://" + host + "?osp_token=abc":             "Bearer abc",
	} {
		if err := open(t, connectionString).ExportSpans(t.Context(), manySpans(1, 1)); err != nil {
			t.Fatal(err)
		}
		if got := c.requests[len(c.requests)-1].Header.Get("Authorization"); got != want {
			t.Errorf("%s sends %q", connectionString, got)
		}
	}
	if !slices.ContainsFunc(c.requests, func(r *http.Request) bool { return r.URL.Path == "/gate/jaeger" }) {
		t.Error("the path of the connection string has no effect")
	}
}

// A target that refuses permanently gets one request, and no error shows a secret.
func TestHTTPRefusals(t *testing.T) {
	for status, want := range map[int]string{
		http.StatusUnauthorized:     `refuses the user or the token`,
		http.StatusForbidden:        `refuses the user or the token`,
		http.StatusNotFound:         `the path of a collector is /api/traces on port 14268`,
		http.StatusMethodNotAllowed: `takes no spans at`,
		http.StatusFound:            `answers with a redirect`,
		http.StatusNotImplemented:   `takes no spans at`,
	} {
		c := newCollector(t, func(*jaeger.Batch, int) (int, string) {
			return status, "no\x1b[1m p:w dXNlcjpwOnc= " + strings.Repeat("x", 1000)
		})
		e := open(t, strings.Replace(c.url(), "://", "://user:p%3Aw@", 1))
		err := e.ExportSpans(t.Context(), manySpans(4, 10))
		failure := sinkError(t, err)
		if !strings.Contains(err.Error(), want) || len(failure.Missing) != 4 || len(failure.Refused) != 0 || failure.Transient || len(c.requests) != 2 && len(c.requests) != 1 {
			t.Errorf("%d: %v after %d requests: %+v", status, err, len(c.requests), failure)
		}
		if text := err.Error(); strings.Contains(text, "p:w") || strings.Contains(text, "dXNl") || strings.Contains(text, "\x1b") || len(text) > 800 {
			t.Errorf("%d: the error is %q", status, text)
		}
	}
}

// The exporter waits for states that pass.
func TestHTTPRetries(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusRequestTimeout} {
		tries := 0
		c := newCollector(t, func(*jaeger.Batch, int) (int, string) {
			if tries++; tries < 4 {
				return status, "busy"
			}
			return http.StatusAccepted, ""
		})
		e := open(t, c.url(), WithRetry(store.Retry{Initial: time.Millisecond}))
		if err := e.ExportSpans(t.Context(), manySpans(4, 10)); err != nil || len(c.names) != 4 {
			t.Errorf("%d: %v, and %d spans came", status, err, len(c.names))
		}
		tries = -1_000
		err := open(t, c.url(), once).ExportSpans(t.Context(), manySpans(4, 10))
		if failure := sinkError(t, err); len(failure.Missing) != 4 || !failure.Transient || !strings.Contains(err.Error(), "cannot take the spans now") {
			t.Errorf("%d: %v, %+v", status, err, failure)
		}
	}
}

// A collector may say when it takes spans again, within limits.
func TestHTTPRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{"1": time.Second, "1000000000000": maxWait, "": 0, "0": 0, "-1": 0, "Mon, 06 May 2024 07:08:09 GMT": 0} {
		c := newCollector(t, func(*jaeger.Batch, int) (int, string) { return http.StatusServiceUnavailable, "" })
		c.retryAfter = header
		var after *backoff.RetryAfterError
		err := open(t, c.url(), once).ExportSpans(t.Context(), manySpans(1, 1))
		if errors.As(err, &after) != (want > 0) || want > 0 && after.Duration != want {
			t.Errorf("%q gives %v in %v", header, after, err)
		}
	}
}

// A span that the target refuses is named, and the others are delivered.
func TestHTTPRefusedSpans(t *testing.T) {
	c := newCollector(t, func(b *jaeger.Batch, _ int) (int, string) {
		if slices.ContainsFunc(b.Spans, func(s *jaeger.Span) bool { return s.OperationName == "span 5" || s.OperationName == "span 18" }) {
			return http.StatusBadRequest, "bad span"
		}
		return http.StatusAccepted, ""
	})
	err := open(t, c.url()).ExportSpans(t.Context(), manySpans(40, 10))
	failure := sinkError(t, err)
	if !slices.Equal(failure.Refused, []int{5, 18}) || !slices.Equal(failure.Missing, []int{5, 18}) || failure.Transient || len(c.names) != 38 {
		t.Errorf("%+v, and %d spans came", failure, len(c.names))
	}
	if !strings.Contains(err.Error(), "refuses the spans: 400 Bad Request: bad span; 2 spans were not delivered") {
		t.Error(err)
	}
}

// A target that refuses every span does not get a request for each of many spans.
func TestHTTPRefusesEverything(t *testing.T) {
	c := newCollector(t, func(*jaeger.Batch, int) (int, string) { return http.StatusBadRequest, "no" })
	err := open(t, c.url()).ExportSpans(t.Context(), manySpans(1000, 10))
	if failure := sinkError(t, err); len(failure.Refused) != 8 || len(failure.Missing) != 1000 || len(c.requests) > 60 {
		t.Errorf("%d of the spans are refused after %d requests: %v", len(failure.Refused), len(c.requests), err)
	}
}

// A gateway that accepts only smaller messages gets smaller ones. A span that is too large
// for the gateway by itself loses its largest values.
func TestHTTPTooLarge(t *testing.T) {
	c := newCollector(t, func(_ *jaeger.Batch, bytes int) (int, string) {
		if bytes > 100_000 {
			return http.StatusRequestEntityTooLarge, "too large"
		}
		return http.StatusAccepted, ""
	})
	large := convert.Span{Name: "large", StartTime: start, EndTime: start, SpanContext: contextOf(1), Attributes: []attribute.KeyValue{attribute.String("a", strings.Repeat("x", 300_000))}}
	spans := append(manySpans(200, 2000), large.Snapshot())
	if err := open(t, c.url()).ExportSpans(t.Context(), spans); err != nil || len(c.names) != 201 {
		t.Errorf("%v, and %d spans came", err, len(c.names))
	}
	c.answer = func(*jaeger.Batch, int) (int, string) { return http.StatusRequestEntityTooLarge, "" }
	failure := sinkError(t, open(t, c.url()).ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{large.Snapshot()}))
	if !slices.Equal(failure.Refused, []int{0}) || !strings.Contains(failure.Error(), "takes no span of this size") {
		t.Errorf("%+v", failure)
	}
}

// A target that hangs delays the caller no longer than osp_timeout and the context allow.
func TestHTTPHangs(t *testing.T) {
	release := make(chan struct{})
	c := newCollector(t, func(*jaeger.Batch, int) (int, string) { <-release; return http.StatusAccepted, "" })
	defer close(release)
	testenv.Growing(t, 50*time.Millisecond, func(d time.Duration) error {
		err := open(t, c.url()+"?osp_timeout="+d.String(), once).ExportSpans(t.Context(), manySpans(1, 1))
		if failure := sinkError(t, err); !failure.Transient || !strings.Contains(err.Error(), "did not answer within the osp_timeout of "+d.String()) {
			return err
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := open(t, c.url()).ExportSpans(ctx, manySpans(1, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// When the time of the caller is over, the error still says what is wrong.
func TestDeadlineKeepsTheCause(t *testing.T) {
	nobody := listen(t)
	nobody.conn.Close()
	for connectionString, want := range map[string]string{
		"jaeger+http://127.0.0.1:1":        "Jaeger at 127.0.0.1:1: connection refused; gave up after",
		nobody.url() + "?osp_pause=1000ms": "nobody listens on UDP port",
	} {
		testenv.Growing(t, 300*time.Millisecond, func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			err := open(t, connectionString).ExportSpans(ctx, manySpans(2, 10))
			if failure := sinkError(t, err); !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "; 2 spans were not delivered") || !errors.Is(err, context.DeadlineExceeded) || len(failure.Missing) != 2 {
				return fmt.Errorf("%s: %w", connectionString, err)
			}
			return nil
		})
	}
}

// A collector with TLS is verified.
func TestHTTPS(t *testing.T) {
	files := testenv.NewCertificates(t, "")
	s := testenv.StartJaeger(t, testenv.JaegerAllInOne176, "--collector.http.tls.enabled", "--collector.http.tls.cert="+files.Server, "--collector.http.tls.key="+files.Key, "--collector.http.tls.client-ca="+files.Authority)
	url := "jaeger+https://" + s.Jaeger().Thrift
	own := "osp_client_cert=" + files.Client + "&osp_client_key=" + files.ClientKey
	for connectionString, want := range map[string]string{
		url + "?osp_ca_certs=" + files.Authority + "&" + own: "",
		url + "?osp_verify_certs=no&" + own:                  "",
		url + "?" + own:                                      "by TLS (osp_ca_certs names the file with the authority to trust)",
		url + "?osp_ca_certs=" + files.Authority:             "certificate required",
		"jaeger+http://" + s.Jaeger().Thrift:                 "speaks TLS; the scheme should be jaeger+https",
	} {
		err := open(t, connectionString, once).ExportSpans(t.Context(), manySpans(1, 1))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", connectionString, err)
		}
	}
	err := open(t, strings.Replace("jaeger+https://"+newCollector(t, nil).url(), "jaeger+http://", "", 1), once).ExportSpans(t.Context(), manySpans(1, 1))
	if err == nil || !strings.Contains(err.Error(), "the server does not speak TLS; without it the scheme should be jaeger+http") {
		t.Error(err)
	}
}
