package elasticsearch_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A server with TLS and accounts can be used. If it refuses, the error is one sentence
// without the password.
func TestTLS(t *testing.T) {
	server := testenv.StartSecuredElasticsearch(t)
	own, addr := server.Certificates(t), server.Addr()
	foreign := testenv.NewCertificates(t, "")
	at := testenv.User + ":" + testenv.Password + "@" + addr
	encoded := keyOf(t, server)
	for _, c := range []struct{ name, connectionString, says string }{
		{"trusted", "elasticsearch+https://" + at + "?ca_certs=" + own.Authority, ""},
		{"not verified", "elasticsearch+https://" + at + "?verify_certs=no", ""},
		{"API key", "elasticsearch+https://" + addr + "?osp_api_key=" + encoded + "&ca_certs=" + own.Authority, ""},
		{"wrong API key", "elasticsearch+https://" + addr + "?osp_api_key=Z2VoZWltOmdlaGVpbQ%3D%3D&ca_certs=" + own.Authority, "refuses the user, the password or the API key of the connection string: 401"},
		{"foreign authority", "elasticsearch+https://" + at + "?ca_certs=" + foreign.Authority, "ca_certs names the file with the authority to trust"},
		{"no authority", "elasticsearch+https://" + at, "ca_certs names the file with the authority to trust"},
		{"no TLS", "elasticsearch://" + at, "the connection string should start with elasticsearch+https://"},
		{"another host", "elasticsearch+https://" + strings.Replace(at, "127.0.0.1", "localhost.", 1) + "?ca_certs=" + own.Authority, "localhost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, c.connectionString)
			err := s.Ping(t.Context())
			if err == nil && c.says == "" {
				err = writeAgain(t, s, []osprofiler.Notification{note("a-start", `{}`)})
			}
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v\nwant %s", err, c.says)
			}
			if err != nil && (strings.Contains(err.Error(), testenv.Password) || strings.Contains(err.Error(), encoded) || strings.Contains(err.Error(), "Z2VoZWlt")) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// keyOf makes an API key.
func keyOf(t *testing.T, server *testenv.Server) string {
	t.Helper()
	var key struct {
		Encoded string `json:"encoded"`
	}
	answer := newBare(t, server.Search()).do(http.MethodPost, "/_security/api_key", `{"name": "osprofiler"}`)
	if err := json.Unmarshal([]byte(answer), &key); err != nil || key.Encoded == "" {
		t.Fatalf("%s: %v", answer, err)
	}
	return strings.ReplaceAll(key.Encoded, "=", "%3D")
}

// The error for a server without TLS that gets a TLS handshake says so.
func TestWithoutTLS(t *testing.T) {
	url := serverOf(testenv.Elasticsearch(t))
	s := open(t, strings.Replace(url, "elasticsearch://", "elasticsearch+https://", 1))
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "the connection string should start with elasticsearch://") {
		t.Error(err)
	}
}

// A request goes to another node if one cannot be reached.
func TestNodes(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		s := open(t, strings.Replace(place(t, url), host(url), "127.0.0.1:1,"+host(url)+",127.0.0.1:2", 1))
		for range 5 {
			if err := writeAgain(t, s, []osprofiler.Notification{note("a-start", `{}`)}); err != nil {
				t.Fatal(err)
			}
		}
	})
	s := open(t, "opensearch://127.0.0.1:1,127.0.0.1:2")
	err := s.Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "OpenSearch at 127.0.0.1:1,127.0.0.1:2") || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

// A server that forbids the request for its product is used as a server of unknown
// product.
func TestUnknownProduct(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url, index := newPlace(t, url)
		b := newBare(t, url)
		var allowed atomic.Bool
		s := newStoreOf(forbidding{b.client, &allowed}, index)
		batch := []osprofiler.Notification{note("a-start", `{"host": "h"}`)}
		if err := writeAgain(t, s, batch); err != nil {
			t.Fatal(err)
		}
		b.do(http.MethodPost, "/"+index+"/_refresh", "")
		if all := read(t, s, batch[0].BaseID); len(all) != 1 {
			t.Errorf("read %v", all)
		}
		v, ok := driver.As[driver.Versioner](s.Driver())
		if !ok {
			t.Fatal("no Versioner")
		}
		if version, err := v.Version(t.Context()); err != nil || version != "Elasticsearch or OpenSearch" {
			t.Errorf("%q, %v", version, err)
		}
		allowed.Store(true)
		if version, err := v.Version(t.Context()); err != nil || !strings.Contains(version, "Search ") && !strings.Contains(version, "search ") || strings.Contains(version, " or ") {
			t.Errorf("with the right, %q, %v", version, err)
		}
	})
}

// forbidding answers GET / as a server does to a user without the right to it.
type forbidding struct {
	elasticsearch.Client

	allowed *atomic.Bool
}

func (f forbidding) Perform(req *http.Request) (*http.Response, error) {
	if !f.allowed.Load() && (req.URL.Path == "" || req.URL.Path == "/") {
		body := `{"error": {"type": "security_exception", "reason": "no permissions for [cluster:monitor/main]"}, "status": 403}`
		return &http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
	}
	return f.Client.Perform(req)
}

func newStoreOf(client elasticsearch.Client, index string) *store.Store {
	return elasticsearch.New(client, elasticsearch.WithIndexName(index), elasticsearch.WithErrorIndexName(index+"-error"))
}
