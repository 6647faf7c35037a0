package tags_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// asMap makes attributes comparable. It fails if a key occurs twice.
func asMap(t testing.TB, attrs []attribute.KeyValue) map[string]any {
	t.Helper()
	m := map[string]any{}
	for _, kv := range attrs {
		if _, twice := m[string(kv.Key)]; twice {
			t.Errorf("%s stands twice", kv.Key)
		}
		m[string(kv.Key)] = kv.Value.AsInterface()
	}
	return m
}

const (
	infoWSGI     = `{"request": {"path": "/v3", "query": "a=1", "method": "GET", "scheme": "http"}, "host": "h"}`
	infoRequests = `{"requests": {"method": "GET", "query": "q=1", "path": "/p/x", "hostname": "127.0.0.1", "port": 5733, "scheme": "http"}, "host": "h"}`
	infoDB       = `{"db": {"statement": "select ?", "params": ["\u00e9"]}, "host": "h"}`
	infoFunction = `{"x": 1, "function": {"name": "m.add", "args": "(1,)", "kwargs": "{'b': 5}"}, "host": "h"}`
	onlyHost     = `{"host": "h"}`
)

var startTable = []struct {
	name, operation, info string
	call                  tags.Call
	attrs                 map[string]any // of the stable conventions
	rest                  string
}{
	{"http server", "wsgi", infoWSGI, tags.HTTPServer, map[string]any{
		"http.request.method": "GET", "url.path": "/v3", "url.query": "a=1", "url.scheme": "http",
	}, onlyHost},
	{"no query", "wsgi", `{"request": {"path": "/", "query": "", "method": "HEAD", "scheme": "https"}}`, tags.HTTPServer, map[string]any{
		"http.request.method": "HEAD", "url.path": "/", "url.scheme": "https",
	}, `{}`},
	{"unknown method", "wsgi", `{"request": {"path": "/", "query": "", "method": "get", "scheme": "http"}}`, tags.HTTPServer, map[string]any{
		"http.request.method": "_OTHER", "http.request.method_original": "get", "url.path": "/", "url.scheme": "http",
	}, `{}`},
	{"one member more", "wsgi", `{"request": {"path": "/", "query": "", "method": "GET", "scheme": "http", "z": 1}}`, tags.HTTPServer, map[string]any{
		"http.request.method": "GET", "url.path": "/", "url.scheme": "http",
	}, `{"request": {"path": "/", "query": "", "method": "GET", "scheme": "http", "z": 1}}`},
	{"one member less", "wsgi", `{"request": {"path": "/", "method": "GET", "scheme": "http"}}`, tags.HTTPServer, map[string]any{
		"http.request.method": "GET", "url.path": "/", "url.scheme": "http",
	}, `{"request": {"path": "/", "method": "GET", "scheme": "http"}}`},
	{"lone surrogate", "wsgi", `{"request": {"path": "/\ud800", "query": "", "method": "GET", "scheme": null}}`, tags.HTTPServer, map[string]any{
		"http.request.method": "GET", "url.path": "/\uFFFD",
	}, `{"request": {"path": "/\ud800", "query": "", "method": "GET", "scheme": null}}`},
	{"http client", "http", infoRequests, tags.HTTPClient, map[string]any{
		"http.request.method": "GET", "server.address": "127.0.0.1", "server.port": int64(5733),
		"url.full": "http://127.0.0.1:5733/p/x?q=1", "url.scheme": "http", "url.path": "/p/x", "url.query": "q=1",
	}, onlyHost},
	{"IPv6, own port", "https", `{"requests": {"method": "GET", "query": "", "path": "", "hostname": "::1", "port": 443, "scheme": "https"}}`, tags.HTTPClient, map[string]any{
		"http.request.method": "GET", "server.address": "::1", "server.port": int64(443),
		"url.full": "https://[::1]", "url.scheme": "https", "url.path": "",
	}, `{}`},
	{"no port", "ftp", `{"requests": {"method": "GET", "query": "", "path": "/", "hostname": "n", "port": "", "scheme": "ftp"}}`, tags.HTTPClient, map[string]any{
		"http.request.method": "GET", "server.address": "n", "url.full": "ftp://n/", "url.scheme": "ftp", "url.path": "/",
	}, `{}`},
	{"floating port", "http", `{"requests": {"method": "GET", "query": "", "path": "/", "hostname": "n", "port": 80.0, "scheme": "http"}}`, tags.HTTPClient, map[string]any{
		"http.request.method": "GET", "server.address": "n", "url.full": "http://n/", "url.scheme": "http", "url.path": "/",
	}, `{"requests": {"method": "GET", "query": "", "path": "/", "hostname": "n", "port": 80.0, "scheme": "http"}}`},
	{"database", "db", infoDB, tags.DB, map[string]any{
		"db.system.name": "other_sql", "db.query.text": "select ?", "osprofiler.db.params": `["\u00e9"]`,
	}, onlyHost},
	{"other style of JSON", "db", `{"db":{"params":[{"a":1e3},{"a":"é"}],"statement":"S"}}`, tags.DB, map[string]any{
		"db.system.name": "other_sql", "db.query.text": "S", "osprofiler.db.params": `[{"a": 1e3}, {"a": "\u00e9"}]`,
	}, `{}`},
	{"twice params", "db", `{"db": {"statement": "S", "params": [], "params": {}}}`, tags.DB, map[string]any{
		"db.system.name": "other_sql", "db.query.text": "S",
	}, `{"db": {"statement": "S", "params": [], "params": {}}}`},
	{"function", "vm", infoFunction, tags.Function, map[string]any{
		"code.function.name": "m.add", "osprofiler.function.args": "(1,)", "osprofiler.function.kwargs": "{'b': 5}",
	}, `{"x": 1, "host": "h"}`},
	{"rpc, arguments hidden", "rpc", `{"function": {"name": "m.boom"}}`, tags.RPC, map[string]any{
		"rpc.method": "m.boom", "code.function.name": "m.boom",
	}, `{}`},
	{"of several the first", "x", `{"function": {"name": "f"}, "request": {}, "requests": {"method": "GET"}}`, tags.HTTPClient, map[string]any{
		"http.request.method": "GET",
	}, `{"function": {"name": "f"}, "request": {}, "requests": {"method": "GET"}}`},
	{"the ids of OpenStack", "wsgi", `{"request": {"path": "/", "query": "", "method": "GET", "scheme": "http"}, "openstack": {"request_id": "req-1", "global_request_id": "req-2", "project_id": "p", "user_id": "u", "domain_id": ""}, "host": "h"}`, tags.HTTPServer, map[string]any{
		"http.request.method": "GET", "url.path": "/", "url.scheme": "http", "openstack.request_id": "req-1", "openstack.global_request_id": "req-2",
		"openstack.project_id": "p", "openstack.user_id": "u", "openstack.domain_id": "",
	}, onlyHost},
	{"a message, and no call", "send", `{"messaging": {"system": "rabbitmq", "operation": "cast", "destination": "cinder-volume", "message_id": "5"}, "openstack": {"request_id": "req-1"}}`, tags.Other, map[string]any{
		"messaging.system": "rabbitmq", "messaging.operation.name": "cast", "messaging.destination.name": "cinder-volume", "messaging.message.id": "5", "openstack.request_id": "req-1",
	}, `{}`},
	{"ids of another type, and none", "w", `{"openstack": {"request_id": 1, "user_id": "u"}, "messaging": {}, "host": "h"}`, tags.Other, map[string]any{
		"openstack.user_id": "u",
	}, `{"openstack": {"request_id": 1, "user_id": "u"}, "messaging": {}, "host": "h"}`},
	{"an unknown field beside the ids", "rpc", `{"function": {"name": "f"}, "openstack": {"request_id": "req-1", "roles": "r"}}`, tags.RPC, map[string]any{
		"rpc.method": "f", "code.function.name": "f", "openstack.request_id": "req-1",
	}, `{"openstack": {"request_id": "req-1", "roles": "r"}}`},
	{"no known member", "w", `{"db": [], "request": "r", "function": {}, "host": "h"}`, tags.Other, map[string]any{},
		`{"db": [], "request": "r", "function": {}, "host": "h"}`},
	{"no info", "wsgi", "", tags.Other, map[string]any{}, ""},
}

func TestStartAttributes(t *testing.T) {
	for _, test := range startTable {
		t.Run(test.name, func(t *testing.T) {
			info := osprofiler.Info(test.info)
			call := tags.CallOfInfo(test.operation, info)
			if call != test.call {
				t.Fatalf("the call is %v, not %v", call, test.call)
			}
			attrs, rest := tags.StartAttributes(nil, call, info, tags.Stable)
			if diff := cmp.Diff(test.attrs, asMap(t, attrs)); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if string(rest) != test.rest {
				t.Errorf("the rest is %s, not %s", rest, test.rest)
			}
			if len(attrs) > 0 && rest != info {
				if again := tags.CallOfSpan(call.SpanKind(), attrs); again != call {
					t.Errorf("the span's call is %v, not %v", again, call)
				}
			}
		})
	}
}

func TestStopAttributes(t *testing.T) {
	const failed = `{"etype": "E", "message": "m", "db": {"original_exception": "o", "chained_exception": ""}, "host": "h"}`
	for _, test := range []struct {
		name, info string
		call       tags.Call
		attrs      map[string]any
		rest       string
	}{
		{"status", `{"requests": {"status_code": 204}, "host": "h"}`, tags.HTTPClient, map[string]any{"http.response.status_code": int64(204)}, onlyHost},
		{"huge status", `{"requests": {"status_code": 9223372036854775808}}`, tags.HTTPClient, map[string]any{}, `{"requests": {"status_code": 9223372036854775808}}`},
		{"status and more", `{"requests": {"status_code": 204, "x": 1}}`, tags.HTTPClient, map[string]any{"http.response.status_code": int64(204)}, `{"requests": {"status_code": 204, "x": 1}}`},
		{"failed query", failed, tags.DB, map[string]any{"osprofiler.db.original_exception": "o", "osprofiler.db.chained_exception": ""}, `{"etype": "E", "message": "m", "host": "h"}`},
		{"rows", `{"db": {"result": "[(1,)]"}}`, tags.DB, map[string]any{"osprofiler.db.result": "[(1,)]"}, `{}`},
		{"empty outcome", `{"db": {}}`, tags.DB, map[string]any{}, `{"db": {}}`},
		{"result", `{"function": {"result": "6"}, "host": "h"}`, tags.RPC, map[string]any{"osprofiler.function.result": "6"}, onlyHost},
		{"result that is a number", `{"function": {"result": 6}}`, tags.Function, map[string]any{}, `{"function": {"result": 6}}`},
		{"another call's", `{"function": {"result": "6"}}`, tags.DB, map[string]any{}, `{"function": {"result": "6"}}`},
		{"server", `{"request": {"status": 200}}`, tags.HTTPServer, map[string]any{}, `{"request": {"status": 200}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			attrs, rest := tags.StopAttributes(nil, test.call, osprofiler.Info(test.info), tags.Stable)
			if diff := cmp.Diff(test.attrs, asMap(t, attrs)); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if string(rest) != test.rest {
				t.Errorf("the rest is %s, not %s", rest, test.rest)
			}
			if rest != osprofiler.Info(test.info) {
				if again := tags.CallOfSpan(test.call.SpanKind(), attrs); again != test.call {
					t.Errorf("the span's call is %v, not %v", again, test.call)
				}
			}
		})
	}
}

// The attributes before the appended ones are unchanged.
func TestAppend(t *testing.T) {
	before := attribute.String("a", "b")
	attrs, _ := tags.StartAttributes([]attribute.KeyValue{before}, tags.HTTPServer, infoWSGI, tags.Both)
	if attrs[0] != before || len(attrs) != 9 {
		t.Errorf("got %v", attrs)
	}
}

func TestSpanKindAndName(t *testing.T) {
	named := []attribute.KeyValue{
		attribute.String("url.full", "https://h/"), attribute.String("url.path", "/"),
		attribute.String("db.query.text", "SELECT 1"), attribute.String("rpc.method", "m"),
	}
	for _, test := range []struct {
		call tags.Call
		kind trace.SpanKind
		name string
		text string
	}{
		{tags.Other, trace.SpanKindInternal, "", "other"},
		{tags.HTTPServer, trace.SpanKindServer, "wsgi", "HTTP server"},
		{tags.HTTPClient, trace.SpanKindClient, "https", "HTTP client"},
		{tags.DB, trace.SpanKindClient, "db", "database"},
		{tags.RPC, trace.SpanKindServer, "rpc", "RPC"},
		{tags.Function, trace.SpanKindInternal, "", "function"},
	} {
		if kind, name := test.call.SpanKind(), test.call.Operation(named); kind != test.kind || name != test.name || test.call.String() != test.text {
			t.Errorf("%v: %v %q", test.call, kind, name)
		}
	}
	path := []attribute.KeyValue{attribute.String("url.path", "/")}
	if name := tags.HTTPClient.Operation(path); name != "http" {
		t.Errorf("without a scheme the name is %q, not http", name)
	}
}

// TestBlankCalls checks that calls keep the names of their spans if no attribute says what was
// called.
func TestBlankCalls(t *testing.T) {
	for _, test := range []struct {
		call  tags.Call
		attrs []attribute.KeyValue
		name  string
	}{
		{tags.DB, attrsOf("db.system.name=postgresql"), ""},
		{tags.DB, attrsOf("db.system.name=postgresql", "db.query.text="), ""},
		{tags.DB, attrsOf("db.system.name=postgresql", "db.query.text= \n"), ""},
		{tags.DB, attrsOf("db.system=mysql", "db.name=nova", "server.address=h"), ""},
		{tags.DB, attrsOf("db.system.name=postgresql", "db.operation.name=COPY"), "db"},
		{tags.DB, attrsOf("db.system.name=postgresql", "db.collection.name=instances"), "db"},
		{tags.HTTPClient, attrsOf("http.request.method=GET"), ""},
		{tags.HTTPClient, attrsOf("http.request.method=GET", "url.scheme=https"), ""},
		{tags.HTTPClient, attrsOf("http.request.method=GET", "server.address=h"), "http"},
		{tags.HTTPServer, attrsOf("http.request.method=GET", "http.route=/a/{id}"), ""},
		{tags.HTTPServer, attrsOf("http.method=GET", "http.target=/a?b"), "wsgi"},
		{tags.RPC, attrsOf("rpc.system=grpc"), ""},
		{tags.RPC, attrsOf("rpc.system.name=grpc", "rpc.method="), ""},
		{tags.RPC, attrsOf("rpc.system=grpc", "rpc.service=s"), "rpc"},
		{tags.RPC, attrsOf("rpc.system=grpc", "code.function.name=f"), "rpc"},
	} {
		if name := test.call.Operation(test.attrs); name != test.name {
			t.Errorf("%v of %v is named %q, not %q", test.call, test.attrs, name, test.name)
		}
	}
}

func TestMerge(t *testing.T) {
	for _, test := range []struct{ rest, one, two, want osprofiler.Info }{
		{"", "", "", ""},
		{`{"host": "h"}`, "", "", `{"host": "h"}`},
		{"", `{"a": 1}`, "", `{"a": 1}`},
		{`{"host": "h"}`, `{"a": 1}`, `{"b": 2}`, `{"a": 1, "b": 2, "host": "h"}`},
		{`{"db": 1, "host": "h"}`, `{"db": {"statement": ""}}`, "", `{"db": 1, "host": "h"}`},
		{`{"etype": "E"}`, "", `{"etype": "E", "message": ""}`, `{"etype": "E"}`},
		{"", `{"a": 1}`, `{"b": 2}`, `{"a": 1, "b": 2}`},
	} {
		if got := tags.Merge(test.rest, test.one, test.two); got != test.want {
			t.Errorf("%s with %s and %s is %s, not %s", test.rest, test.one, test.two, got, test.want)
		}
	}
}

func TestConventionsFromEnv(t *testing.T) {
	for value, want := range map[string]tags.Conventions{
		"": tags.Stable, "http": tags.Stable, "http/dup": tags.Both, "messaging, database/dup ,http": tags.Both, "nonsense": tags.Stable,
	} {
		t.Setenv("OTEL_SEMCONV_STABILITY_OPT_IN", value)
		if got := tags.ConventionsFromEnv(); got != want {
			t.Errorf("%q chooses %v, not %v", value, got, want)
		}
	}
	if got := tags.Stable.String() + tags.Old.String() + tags.Both.String(); got != "stableoldboth" {
		t.Error(got)
	}
}
