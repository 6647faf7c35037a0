package tags_test

import (
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// attrsOf makes attributes from key=value pairs. Numbers become integers.
func attrsOf(pairs ...string) (attrs []attribute.KeyValue) {
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		var n int64
		if _, err := fmt.Sscanf(value, "%d", &n); err == nil && fmt.Sprint(n) == value {
			attrs = append(attrs, attribute.Int64(key, n))
		} else {
			attrs = append(attrs, attribute.String(key, value))
		}
	}
	return attrs
}

const (
	client      = trace.SpanKindClient
	server      = trace.SpanKindServer
	internal    = trace.SpanKindInternal
	unspecified = trace.SpanKindUnspecified
)

// Attributes of instrumentation of several versions and languages are converted to infos.
func TestSpansOfInstrumentation(t *testing.T) {
	for _, test := range []struct {
		name        string
		kind        trace.SpanKind
		attrs       []attribute.KeyValue
		call        tags.Call
		start, stop osprofiler.Info
	}{
		{"stable server", server, attrsOf("http.request.method=GET", "url.path=/a", "url.scheme=https", "http.route=/{x}", "http.response.status_code=200"), tags.HTTPServer,
			`{"request": {"path": "/a", "query": "", "method": "GET", "scheme": "https"}}`, ""},
		{"stable server, odd method", server, attrsOf("http.request.method=_OTHER", "http.request.method_original=PURGE", "url.path=/", "url.query=a=1", "url.scheme=http"), tags.HTTPServer,
			`{"request": {"path": "/", "query": "a=1", "method": "PURGE", "scheme": "http"}}`, ""},
		{"old server, target", server, attrsOf("http.method=POST", "http.target=/a/b?x=1#f", "http.scheme=http", "net.host.name=h", "http.status_code=500"), tags.HTTPServer,
			`{"request": {"path": "/a/b", "query": "x=1", "method": "POST", "scheme": "http"}}`, ""},
		{"old server, whole URL", server, attrsOf("http.method=GET", "http.url=http://h:8080/a?x=1"), tags.HTTPServer,
			`{"request": {"path": "/a", "query": "x=1", "method": "GET", "scheme": "http"}}`, ""},
		{"stable client", client, attrsOf("http.request.method=GET", "url.full=https://user:pw@API.example:8443/v1/x?q=a?b#f", "server.address=api.example", "server.port=8443", "http.response.status_code=404", "error.type=404"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "q=a?b", "path": "/v1/x", "hostname": "api.example", "port": 8443, "scheme": "https"}}`, `{"requests": {"status_code": 404}}`},
		{"client with the URL alone", client, attrsOf("http.request.method=GET", "url.full=http://[::1]:80/"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "", "path": "/", "hostname": "::1", "port": 80, "scheme": "http"}}`, ""},
		{"client behind a proxy", client, attrsOf("http.request.method=GET", "url.full=https://far/", "server.address=proxy", "server.port=3128"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "", "path": "/", "hostname": "proxy", "port": 3128, "scheme": "https"}}`, ""},
		{"old client", client, attrsOf("http.method=GET", "http.url=HTTPS://Host", "http.status_code=200"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "", "path": "", "hostname": "host", "port": 443, "scheme": "https"}}`, `{"requests": {"status_code": 200}}`},
		{"old client in parts", client, attrsOf("http.method=GET", "http.scheme=http", "net.peer.name=h", "net.peer.port=8080", "http.target=/p?q=1"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "q=1", "path": "/p", "hostname": "h", "port": 8080, "scheme": "http"}}`, ""},
		{"old client with a host header", client, attrsOf("http.method=GET", "http.scheme=http", "http.host=h:8080", "http.target=/p"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "", "path": "/p", "hostname": "h", "port": 8080, "scheme": "http"}}`, ""},
		{"client that knows nearly nothing", client, attrsOf("http.method=GET"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "", "path": "", "hostname": "", "port": "", "scheme": ""}}`, ""},
		{"the Python library's client", client, attrsOf("http.path=/p", "http.query=", "http.method=GET", "http.scheme=http", "http.hostname=h", "http.port=80", "status_code=200"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "", "path": "/p", "hostname": "h", "port": 80, "scheme": "http"}}`, `{"requests": {"status_code": 200}}`},
		{"kind unspecified, client", unspecified, attrsOf("http.request.method=GET", "url.full=http://h/", "url.path=/"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "", "path": "/", "hostname": "h", "port": 80, "scheme": "http"}}`, ""},
		{"kind unspecified, server", unspecified, attrsOf("http.method=GET", "http.target=/", "http.url=http://h/"), tags.HTTPServer,
			`{"request": {"path": "/", "query": "", "method": "GET", "scheme": "http"}}`, ""},
		{"kind unspecified, old URL", unspecified, attrsOf("http.method=GET", "http.url=http://h/"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "", "path": "/", "hostname": "h", "port": 80, "scheme": "http"}}`, ""},
		{"a router's span", internal, attrsOf("http.method=GET", "http.route=/"), tags.Other, "", ""},
		{"stable database", client, attrsOf("db.system.name=postgresql", "db.query.text=SELECT $1", "server.address=h", "db.query.parameter.0=5", "db.query.parameter.1=x"), tags.DB,
			`{"db": {"statement": "SELECT $1", "params": [5, "x"]}}`, ""},
		{"named parameters", internal, attrsOf("db.system.name=mysql", "db.query.text=S", "db.query.parameter.id=5", "db.operation.parameter.0=z"), tags.DB,
			`{"db": {"statement": "S", "params": {"id": 5, "0": "z"}}}`, ""},
		{"old database", client, attrsOf("db.system=sqlite", "db.statement=SELECT 1"), tags.DB,
			`{"db": {"statement": "SELECT 1", "params": {}}}`, ""},
		{"database without a text", client, attrsOf("db.system.name=mongodb", "db.operation.name=find", "db.collection.name=users"), tags.DB,
			`{"db": {"statement": "find users", "params": {}}}`, ""},
		{"database with a summary", client, attrsOf("db.system.name=x", "db.query.summary=SELECT users", "db.operation.name=SELECT"), tags.DB,
			`{"db": {"statement": "SELECT users", "params": {}}}`, ""},
		{"database's connection", client, attrsOf("db.system=mysql"), tags.DB, "", ""},
		{"Elasticsearch", client, attrsOf("db.system.name=elasticsearch", "db.operation.name=search", "http.request.method=POST", "url.full=http://h:9200/_search"), tags.DB,
			`{"db": {"statement": "search", "params": {}}}`, ""},
		{"params that are no JSON", client, attrsOf("db.statement=S", "db.params={'a': 1}"), tags.DB,
			`{"db": {"statement": "S", "params": "{'a': 1}"}}`, ""},
		{"stable RPC", server, attrsOf("rpc.system.name=grpc", "rpc.method=pkg.Service/Method", "rpc.response.status_code=OK"), tags.RPC,
			`{"function": {"name": "pkg.Service/Method"}}`, ""},
		{"old RPC", client, attrsOf("rpc.system=grpc", "rpc.service=pkg.Service", "rpc.method=Method"), tags.RPC,
			`{"function": {"name": "pkg.Service/Method"}}`, ""},
		{"unknown RPC", server, attrsOf("rpc.system.name=grpc", "rpc.method=_OTHER", "rpc.method_original=a/B"), tags.RPC,
			`{"function": {"name": "a/B"}}`, ""},
		{"service alone", client, attrsOf("rpc.service=pkg.Service"), tags.RPC, `{"function": {"name": "pkg.Service"}}`, ""},
		{"RPC that knows nothing", client, attrsOf("rpc.system=grpc"), tags.RPC, "", ""},
		{"function", internal, attrsOf("code.function.name=pkg.F", "code.line.number=3"), tags.Function,
			`{"function": {"name": "pkg.F"}}`, ""},
		{"old function", internal, attrsOf("code.function=F", "code.namespace=pkg"), tags.Function,
			`{"function": {"name": "pkg.F"}}`, ""},
		{"the Python library's function", internal, attrsOf("args=()", "kwargs={}", "name=m.f"), tags.Function,
			`{"function": {"name": "m.f", "args": "()", "kwargs": "{}"}}`, ""},
		{"a name says nothing", internal, attrsOf("name=Bob", "args=x"), tags.Other, "", ""},
		{"newer names before older ones, in any order", client, attrsOf("http.request.method=GET", "http.method=OLD", "url.full=http://new/n?q=1", "http.url=http://old/o",
			"net.peer.name=peer", "server.address=new", "net.peer.port=3", "server.port=1", "http.port=2", "http.hostname=old",
			"http.response.status_code=201", "http.status_code=202", "status_code=203"), tags.HTTPClient,
			`{"requests": {"method": "GET", "query": "q=1", "path": "/n", "hostname": "new", "port": 1, "scheme": "http"}}`, `{"requests": {"status_code": 201}}`},
		{"newer database names before older ones", client, attrsOf("db.query.text=new", "db.statement=old", "osprofiler.db.params=[1, 2]", "db.params={}"), tags.DB,
			`{"db": {"statement": "new", "params": [1, 2]}}`, ""},
		{"a server that names its database", server, attrsOf("db.system=redis", "http.method=GET", "http.target=/"), tags.HTTPServer,
			`{"request": {"path": "/", "query": "", "method": "GET", "scheme": ""}}`, ""},
		{"wrong types", server, []attribute.KeyValue{attribute.Int("http.request.method", 1), attribute.Bool("url.path", true), attribute.StringSlice("url.query", nil)}, tags.HTTPServer, "", ""},
		{"nothing", client, nil, tags.Other, "", ""},
		{"oslo.middleware", server, attrsOf("http.method=GET", "http.url=http://h:8776/v3/x?limit=1", "http.route=/v3/x", "http.status_code=200", "openstack.request_id=req-1", "openstack.project_id=p"), tags.HTTPServer,
			`{"request": {"path": "/v3/x", "query": "limit=1", "method": "GET", "scheme": "http"}, "openstack": {"request_id": "req-1", "project_id": "p"}}`, ""},
		{"oslo.messaging sends", trace.SpanKindProducer, attrsOf("messaging.system=rabbitmq", "messaging.operation=call", "messaging.destination.name=cinder-volume", "rpc.method=create_volume", "rpc.service=volume", "openstack.request_id=req-1"), tags.RPC,
			`{"function": {"name": "volume/create_volume"}, "openstack": {"request_id": "req-1"}, "messaging": {"system": "rabbitmq", "operation": "call", "destination": "cinder-volume"}}`, ""},
		{"oslo.messaging receives", trace.SpanKindConsumer, attrsOf("messaging.system=rabbitmq", "messaging.operation=receive", "rpc.method=create_volume", "messaging.message.id=5d"), tags.RPC,
			`{"function": {"name": "create_volume"}, "messaging": {"system": "rabbitmq", "operation": "receive", "message_id": "5d"}}`, ""},
		{"stable messaging", trace.SpanKindProducer, attrsOf("messaging.system=kafka", "messaging.operation.type=send", "messaging.operation.name=produce", "messaging.operation=publish", "messaging.destination.name=t", "messaging.destination=old", "messaging.message.id=m"), tags.Other,
			`{"messaging": {"system": "kafka", "operation": "produce", "destination": "t", "message_id": "m"}}`, ""},
		{"old messaging, in any order", trace.SpanKindConsumer, attrsOf("messaging.operation=process", "messaging.destination=t", "messaging.message_id=m", "messaging.operation.type=receive"), tags.Other,
			`{"messaging": {"operation": "receive", "destination": "t", "message_id": "m"}}`, ""},
		{"ids that are no texts", server, []attribute.KeyValue{attribute.Int("openstack.request_id", 1), attribute.Bool("messaging.system", true)}, tags.Other, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if call := tags.CallOfSpan(test.kind, test.attrs); call != test.call {
				t.Fatalf("the call is %v, not %v", call, test.call)
			}
			if start := tags.StartInfo(test.call, test.attrs); start != test.start {
				t.Errorf("start is %s, not %s", start, test.start)
			}
			if stop := tags.StopInfo(test.call, test.attrs); stop != test.stop {
				t.Errorf("stop is %s, not %s", stop, test.stop)
			}
		})
	}
}

// recorder returns a provider and the recorder of its spans.
func recorder(t *testing.T) (*sdktrace.TracerProvider, *tracetest.SpanRecorder) {
	r := tracetest.NewSpanRecorder()
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r))
	t.Cleanup(func() { _ = p.Shutdown(t.Context()) })
	return p, r
}

// The spans of the current otelhttp, on a real connection, are converted to infos.
func TestOTelHTTP(t *testing.T) {
	provider, spans := recorder(t)
	handler := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(nethttp.StatusTeapot) })
	api := httptest.NewServer(otelhttp.NewHandler(handler, "api", otelhttp.WithTracerProvider(provider)))
	transport := otelhttp.NewTransport(&nethttp.Transport{}, otelhttp.WithTracerProvider(provider))
	response, err := (&nethttp.Client{Transport: transport}).Get(api.URL + "/v3/users?limit=2")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	api.Close()
	address := strings.TrimPrefix(api.URL, "http://")
	host, port, _ := strings.Cut(address, ":")
	want := map[tags.Call][2]osprofiler.Info{
		// otelhttp's server has no attribute for the query.
		tags.HTTPServer: {`{"request": {"path": "/v3/users", "query": "", "method": "GET", "scheme": "http"}}`, ""},
		tags.HTTPClient: {osprofiler.Info(`{"requests": {"method": "GET", "query": "limit=2", "path": "/v3/users", "hostname": "` + host +
			`", "port": ` + port + `, "scheme": "http"}}`), `{"requests": {"status_code": 418}}`},
	}
	checkSpans(t, spans.Ended(), want)
}

func checkSpans(t *testing.T, spans []sdktrace.ReadOnlySpan, want map[tags.Call][2]osprofiler.Info) {
	t.Helper()
	found := map[tags.Call]bool{}
	for _, s := range spans {
		call := tags.CallOfSpan(s.SpanKind(), s.Attributes())
		infos, ok := want[call]
		if !ok {
			t.Errorf("%s is a call of kind %v: %v", s.Name(), call, s.Attributes())
		}
		found[call] = true
		if start := tags.StartInfo(call, s.Attributes()); start != infos[0] {
			t.Errorf("%v: start is %s, not %s", call, start, infos[0])
		}
		if stop := tags.StopInfo(call, s.Attributes()); stop != infos[1] {
			t.Errorf("%v: stop is %s, not %s", call, stop, infos[1])
		}
	}
	if len(found) != len(want) {
		t.Errorf("found %v of %v", found, want)
	}
}

// The spans of otelsql on a real database are converted to infos.
func TestOTelSQL(t *testing.T) {
	provider, spans := recorder(t)
	db, err := otelsql.Open("sqlite", filepath.Join(t.TempDir(), "x.db"), otelsql.WithTracerProvider(provider),
		otelsql.WithAttributes(attribute.String("db.system.name", "sqlite")),
		otelsql.WithSpanOptions(otelsql.SpanOptions{OmitConnResetSession: true, OmitConnectorConnect: true, OmitRows: true, OmitConnPrepare: true}))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT ?", 7).Scan(&n); err != nil || n != 7 {
		t.Fatal(n, err)
	}
	checkSpans(t, spans.Ended(), map[tags.Call][2]osprofiler.Info{
		tags.DB: {`{"db": {"statement": "SELECT ?", "params": {}}}`, ""},
	})
	if _, err := db.ExecContext(t.Context(), "nonsense"); err == nil {
		t.Fatal("no error")
	} else {
		last := spans.Ended()[len(spans.Ended())-1]
		f, ok := tags.FailureOfSpan(last.Status(), last.Attributes(), last.Events())
		if !ok || f.Message != err.Error() || f.Type == "" {
			t.Errorf("the failure is %q, %v", f, ok)
		}
	}
}
