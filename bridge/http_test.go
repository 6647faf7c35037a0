package bridge_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// recorder returns a Profiler with the key "k", and the exporter that gets its spans.
func recorder() (*bridge.Profiler, *tracetest.InMemoryExporter) {
	return recording(bridge.WithKeys(bridge.NewKeys("k")), bridge.WithConventions(tags.Both))
}

// serveSigned lets the middleware serve one signed request over HTTP.
func serveSigned(t *testing.T, p *bridge.Profiler, h http.HandlerFunc) (*http.Response, error) {
	t.Helper()
	server := httptest.NewUnstartedServer(bridge.NewHandler(h, bridge.WithProfiler(p)))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are expected
	server.Start()
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range signedBy("k", theInfo) {
		r.Header.Set(k, v)
	}
	res, err := server.Client().Do(r)
	if err == nil {
		t.Cleanup(func() { res.Body.Close() })
	}
	return res, err
}

// eventually waits for a span, because the span ends after the client has its answer.
func eventually(t *testing.T, exporter *tracetest.InMemoryExporter) tracetest.SpanStub {
	t.Helper()
	for range 60_000 {
		if spans := exporter.GetSpans(); len(spans) == 1 {
			return spans[0]
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("there is no span")
	return tracetest.SpanStub{}
}

func attributeOf(span *tracetest.SpanStub, key string) string {
	for _, kv := range span.Attributes {
		if string(kv.Key) == key {
			return kv.Value.String()
		}
	}
	return ""
}

func TestHandlerRecordsTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		status  string // the span's attribute for the status
		failed  bool
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, "200", false},
		{"text", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, "200", false},
		{"404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "404", false},
		{"503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "503", true},
		{"the first status counts", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "x")
			w.WriteHeader(http.StatusInternalServerError)
		}, "200", false},
		{"hints before it do not", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusInternalServerError)
		}, "500", true},
		{"flushed", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.WriteHeader(http.StatusInternalServerError)
		}, "200", false},
		{"copied", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("x"))
			w.WriteHeader(http.StatusInternalServerError)
		}, "200", false},
		{"taken over", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 500 Own\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				conn.Close()
			}
		}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			profiler, exporter := recorder()
			res, err := serveSigned(t, profiler, c.handler)
			if err != nil {
				t.Fatal(err)
			}
			if c.status != "" && fmt.Sprint(res.StatusCode) != c.status {
				t.Error(res.Status)
			}
			span := eventually(t, exporter)
			if attributeOf(&span, "http.response.status_code") != c.status || attributeOf(&span, "http.status_code") != c.status {
				t.Error(span.Attributes)
			}
			stop := notificationsOf(exporter)[1]
			etype, _ := stop.Info.Get("etype")
			if (span.Status.Code == codes.Error) != c.failed || stop.Info.Failed() != c.failed || c.failed && etype != `"`+c.status+`"` {
				t.Error(span.Status, stop.JSON())
			}
		})
	}
}

// A panic is recorded and raised again unchanged.
func TestHandlerLetsPanicsPass(t *testing.T) {
	cause := errors.New("out of cheese")
	for _, want := range []any{cause, http.ErrAbortHandler, "text", 7} {
		profiler, exporter := recorder()
		h := bridge.NewHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(want) }), bridge.WithProfiler(profiler))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		for k, v := range signedBy("k", theInfo) {
			r.Header.Set(k, v)
		}
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("%v became %v", want, got)
				}
			}()
			h.ServeHTTP(httptest.NewRecorder(), r)
		}()
		stop := notificationsOf(exporter)[1]
		if message, _ := stop.Info.Get("message"); !stop.Info.Failed() || !strings.Contains(message, fmt.Sprint(want)) {
			t.Error(stop.JSON())
		}
	}
	profiler, exporter := recorder() // over HTTP the client sees the same as without the middleware
	if _, err := serveSigned(t, profiler, func(http.ResponseWriter, *http.Request) { panic(cause) }); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if span := eventually(t, exporter); span.Status.Code != codes.Error {
		t.Error(span.Status)
	}
}

// For an untraced request, next gets the original writer, and nothing is recorded.
func TestHandlerLeavesTheUntracedAlone(t *testing.T) {
	profiler, exporter := recorder()
	w := httptest.NewRecorder()
	h := bridge.NewHandler(http.HandlerFunc(func(got http.ResponseWriter, r *http.Request) {
		if got != http.ResponseWriter(w) || bridge.Trusted(r.Context()) {
			t.Error("the request is not left alone")
		}
	}), bridge.WithProfiler(profiler))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set(traceparent, w3cOf(theInfo))
	h.ServeHTTP(w, r)
	if n := len(exporter.GetSpans()); n != 0 {
		t.Error(n)
	}
}

// A span context that another header named becomes a link, once.
func TestHandlerLinks(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithSpanProcessor(bridge.NewLinkProcessor()))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(bridge.NewKeys("k")))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	for k, v := range signedBy("k", theInfo) {
		r.Header.Set(k, v)
	}
	r.Header.Set(traceparent, "00-11111111111111111111111111111111-2222222222222222-01")
	bridge.NewHandler(http.NotFoundHandler(), bridge.WithProfiler(profiler)).ServeHTTP(httptest.NewRecorder(), r)
	span := exporter.GetSpans()[0]
	if len(span.Links) != 1 || span.Links[0].SpanContext.TraceID().String() != strings.Repeat("1", 32) {
		t.Error(span.Links)
	}
}

// net/http removes the files of a form, which it finds only in its own request.
func TestHandlerHandsTheFormBack(t *testing.T) {
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	part, _ := parts.CreateFormFile("f", "f")
	fmt.Fprint(part, "x")
	parts.Close()
	profiler, _ := recorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", &form)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	bridge.NewHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(0); err != nil {
			t.Error(err)
		}
	}), bridge.WithProfiler(profiler)).ServeHTTP(httptest.NewRecorder(), r)
	if r.MultipartForm == nil {
		t.Fatal("net/http will not find the form")
	}
	_ = r.MultipartForm.RemoveAll()
}

func TestRequestInfo(t *testing.T) {
	for _, c := range []struct{ method, target, path, query string }{
		{"GET", "/app/v1/x%20y?a=1&b=%20", "/app/v1/x%20y", "a=1&b=%20"},
		{"PUT", "/a%2Fb/%C3%BC", "/a%2Fb/%C3%BC", ""},
		{"GET", "http://h:80/p/q?x=http://y", "/p/q", "x=http://y"},
		{"GET", "http://h", "/", ""},
		{"GET", "/to/http://h/p", "/to/http://h/p", ""},
		{"OPTIONS", "*", "*", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.target, http.NoBody)
		want, _ := osprofiler.NewInfo(map[string]any{"request": map[string]any{
			"path": c.path, "query": c.query, "method": c.method, "scheme": "http"}})
		if got := bridge.Request(r); got != want {
			t.Errorf("%s %s: want %s\ngot  %s", c.method, c.target, want, got)
		}
	}
}

func TestRequestsInfo(t *testing.T) {
	for _, c := range []struct {
		method, target string
		want           osprofiler.Info
	}{
		{"", "http://Host/a%20b?c=d", `{"requests": {"hostname": "host", "method": "GET", "path": "/a%20b", "port": 80, "query": "c=d", "scheme": "http"}}`},
		{"PUT", "https://host", `{"requests": {"hostname": "host", "method": "PUT", "path": "/", "port": 443, "query": "", "scheme": "https"}}`},
		{"GET", "HTTP://[::1]:8774/", `{"requests": {"hostname": "::1", "method": "GET", "path": "/", "port": 8774, "query": "", "scheme": "http"}}`},
		{"GET", "unix://socket/x", `{"requests": {"hostname": "socket", "method": "GET", "path": "/x", "port": "", "query": "", "scheme": "unix"}}`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, c.target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Method = c.method
		if got := bridge.Requests(r); got != c.want {
			t.Errorf("%s: want %s\ngot  %s", c.target, c.want, got)
		}
	}
}

// sent sends one request from a traced context and returns the answer.
func sent(t *testing.T, p *bridge.Profiler, base http.RoundTripper, method, target string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(p.Init(t.Context(), baseID, parentID), method, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Own", "1")
	res, err := bridge.NewTransport(base, bridge.WithProfiler(p)).RoundTrip(r)
	if len(r.Header) != 1 {
		t.Error("the caller's request is modified:", r.Header)
	}
	return res, err
}

func TestTransport(t *testing.T) {
	server := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Trace-Info") == "" || r.Header.Get(traceparent) == "" || r.Header.Get("Own") != "1" {
			t.Error(r.Header)
		}
		if r.URL.Path == "/missing" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, "hello")
		if r.URL.Path == "/broken" {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	for _, c := range []struct {
		name, method, path, read string
		failed                   bool
	}{
		{"read to the end", "GET", "/", "all", false},
		{"closed", "GET", "/", "close", false},
		{"without a body", "HEAD", "/", "", false},
		{"not found", "GET", "/missing", "all", false},
		{"broken off", "GET", "/broken", "all", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			profiler, exporter := recorder()
			res, err := sent(t, profiler, nil, c.method, server.URL+c.path)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if open := len(exporter.GetSpans()) == 0; open != (c.read != "") {
				t.Error("the operation should be open until the body ends, and no longer")
			}
			switch c.read {
			case "all":
				_, _ = io.ReadAll(res.Body)
			case "close":
				res.Body.Close()
			}
			got := notificationsOf(exporter)
			if len(got) != 2 || got[0].Name != "http-start" || got[0].ParentID != parentID || got[1].Info.Failed() != c.failed {
				t.Fatal(got)
			}
			if status, _ := got[1].Info.Get("requests"); status != fmt.Sprintf(`{"status_code": %d}`, res.StatusCode) {
				t.Error(got[1].JSON())
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTransportFailures(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("refused")}
	for name, base := range map[string]roundTripper{
		"error":   func(*http.Request) (*http.Response, error) { return nil, refused },
		"neither": func(*http.Request) (*http.Response, error) { return nil, nil }, //nolint:nilnil // what a bad transport does
	} {
		profiler, exporter := recorder()
		res, err := sent(t, profiler, base, "GET", "https://host/")
		if err == nil || res != nil {
			t.Error(name, res, err)
		}
		if got := notificationsOf(exporter); len(got) != 2 || got[0].Name != "https-start" || !got[1].Info.Failed() {
			t.Error(name, got)
		}
	}
}

// A request outside any recorded trace is not an operation.
func TestTransportWithoutATrace(t *testing.T) {
	profiler, exporter := recorder()
	ignored, span := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("").Start(t.Context(), "")
	defer span.End()
	for _, ctx := range []context.Context{t.Context(), ignored, propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{traceparent: w3cOf(theInfo)})} {
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://host/", http.NoBody)
		r.Header = nil
		_, err := bridge.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("X-Trace-Info") != "" {
				t.Error(r.Header)
			}
			return &http.Response{StatusCode: http.StatusOK}, nil
		}), bridge.WithProfiler(profiler)).RoundTrip(r)
		if err != nil || len(exporter.GetSpans()) != 0 {
			t.Error(err, exporter.GetSpans())
		}
	}
}

// The body of a switched protocol is still writable.
func TestTransportSwitchesProtocols(t *testing.T) {
	server := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, line)
	}))
	profiler, exporter := recorder()
	res, err := sent(t, profiler, nil, "GET", server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.WriteString(res.Body.(io.Writer), "hello\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "hello\n" || len(exporter.GetSpans()) != 0 {
		t.Error(line, err)
	}
	res.Body.Close()
	if got := notificationsOf(exporter); len(got) != 2 {
		t.Error(got)
	}
}

func TestTransportClosesIdleConnections(t *testing.T) {
	profiler, _ := recorder()
	base := &idle{}
	(&http.Client{Transport: bridge.NewTransport(base, bridge.WithProfiler(profiler))}).CloseIdleConnections()
	if !base.closed {
		t.Error("the base transport was not asked")
	}
	(&http.Client{Transport: bridge.NewTransport(roundTripper(nil), bridge.WithProfiler(profiler))}).CloseIdleConnections()
}

type idle struct {
	http.RoundTripper
	closed bool
}

func (i *idle) CloseIdleConnections() { i.closed = true }
