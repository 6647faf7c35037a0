package otlp_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// serverTLS returns the configuration of a server with these certificates. With
// clients, it asks for a client's certificate.
func serverTLS(t *testing.T, c testenv.Certificates, clients bool) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.Server, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if clients {
		text, err := os.ReadFile(c.Authority)
		if err != nil {
			t.Fatal(err)
		}
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(text)
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config
}

// secure serves with TLS by both protocols.
func secure(t *testing.T, c *collector, config *tls.Config) map[string]string {
	t.Helper()
	return map[string]string{
		"gRPC": "otlp+grpcs://" + c.overGRPC(t, config),
		"HTTP": "otlp+https://" + c.overHTTP(t, config.Clone()),
	}
}

func TestTLS(t *testing.T) {
	certificates, other := testenv.NewCertificates(t, ""), testenv.NewCertificates(t, "")
	c := &collector{}
	for protocol, target := range secure(t, c, serverTLS(t, certificates, false)) {
		for options, want := range map[string]string{
			"?osp_ca_certs=" + certificates.Authority: "",
			"?osp_verify_certs=no":                    "",
			"":                                        "by TLS (osp_ca_certs names the file with the authority to trust): x509: certificate signed by unknown authority",
			"?osp_ca_certs=" + other.Authority:        "by TLS (osp_ca_certs names the file with the authority to trust): x509: certificate signed by unknown authority",
			"?osp_server_name=other.example&osp_ca_certs=" + certificates.Authority: "x509: certificate is",
		} {
			t.Run(protocol+options[:min(len(options), 20)], func(t *testing.T) {
				checkExport(t, open(t, target+options), want)
			})
		}
		t.Run(protocol+" by the program", func(t *testing.T) {
			text, err := os.ReadFile(certificates.Authority)
			if err != nil {
				t.Fatal(err)
			}
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(text)
			checkExport(t, open(t, target, otlp.WithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})), "")
		})
		t.Run(protocol+" by the environment", func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", certificates.Authority)
			checkExport(t, open(t, target), "")
		})
	}
}

// checkExport exports one span. A wrong set-up stays, so it is not tried again.
func checkExport(t *testing.T, e *otlp.Exporter, want string) {
	t.Helper()
	err := e.ExportSpans(t.Context(), numbered(1, 0))
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	got := sinkError(t, err)
	if text := err.Error(); got.Transient || !strings.Contains(text, e.Name()) || !strings.Contains(text, want) || len(text) > 500 {
		t.Errorf("got %v, want an error with %q", err, want)
	}
}

func TestClientCertificates(t *testing.T) {
	certificates := testenv.NewCertificates(t, "")
	c := &collector{}
	for protocol, target := range secure(t, c, serverTLS(t, certificates, true)) {
		trust := target + "?osp_ca_certs=" + certificates.Authority
		t.Run(protocol, func(t *testing.T) {
			checkExport(t, open(t, trust+"&osp_client_cert="+certificates.Client+"&osp_client_key="+certificates.ClientKey), "")
			checkExport(t, open(t, trust), "certificate required")
			t.Setenv("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", certificates.Client)
			t.Setenv("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", certificates.ClientKey)
			checkExport(t, open(t, trust), "")
		})
	}
}

// freeAddress returns an address at which nobody listens, for a server of the test.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func once() otlp.Option { return otlp.WithRetry(store.Retry{Elapsed: -1}) }

// An error says in one sentence what is wrong with a connection.
func TestUnreachable(t *testing.T) {
	closed := testenv.ClosedPort(t)
	certificates := testenv.NewCertificates(t, "")
	plain, withTLS := &collector{}, &collector{}
	config := serverTLS(t, certificates, false)
	grpcPlain, httpPlain := plain.overGRPC(t, nil), plain.overHTTP(t, nil)
	grpcTLS, httpTLS := withTLS.overGRPC(t, config), withTLS.overHTTP(t, config.Clone())
	for target, want := range map[string]string{
		"otlp+grpc://" + closed:               "cannot connect to the OTLP target at " + closed + ": connection refused",
		"otlp+http://" + closed:               "cannot connect to the OTLP target at " + closed + ": connection refused",
		"otlp+grpcs://" + closed:              "cannot connect to the OTLP target at " + closed + ": connection refused",
		"otlp+grpc://no-such-host.invalid":    ` host "no-such-host.invalid"`,
		"otlp+https://no-such-host.invalid/x": ` host "no-such-host.invalid"`,
		"otlp+grpcs://" + grpcPlain:           "the server does not speak TLS; without it the connection string should start with otlp+grpc://",
		"otlp+https://" + httpPlain:           "the server does not speak TLS; without it the connection string should start with otlp+http://",
		"otlp+grpc://" + grpcTLS:              "where it speaks TLS, the connection string should start with otlp+grpcs://",
		"otlp+http://" + httpTLS:              "speaks TLS; the connection string should start with otlp+https://",
		"otlp+grpc://" + httpPlain:            "does not speak gRPC; for OTLP by HTTP, the connection string should start with otlp+http://",
		"otlp+http://" + grpcPlain:            "; for OTLP by gRPC, the connection string should start with otlp+grpc://",
	} {
		t.Run(target, func(t *testing.T) {
			err := open(t, target, once()).ExportSpans(t.Context(), numbered(1, 0))
			_ = sinkError(t, err)
			if text := err.Error(); !strings.Contains(text, want) || len(text) > 400 {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// A target that is up again is reached at once, not only when gRPC retries.
func TestComesBack(t *testing.T) {
	address := freeAddress(t)
	c := &collector{}
	e := open(t, "otlp+grpc://"+address, once())
	for range 5 {
		if err := e.ExportSpans(t.Context(), numbered(1, 0)); err == nil {
			t.Fatal("nobody listens")
		}
	}
	c.listenGRPC(t, address)
	if err := e.ExportSpans(t.Context(), numbered(1, 0)); err != nil {
		t.Error(err)
	}
}

// An answer that is not OTLP's is no success.
func TestForeignAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.example/v1/traces", http.StatusTemporaryRedirect)
		}, `answers with a redirect to "http://other.example/v1/traces" (307 Temporary Redirect), which is not followed`},
		"web page": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<html><body>Log in</body></html>"))
		}, "does not answer as a target for OTLP does: it answers with a web page"},
		"not found": {http.NotFound, "takes no spans from this client (404 Not Found): 404 page not found"},
		"garbage": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = w.Write([]byte("garbage"))
		}, "does not answer as a target for OTLP does: "},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			checkExport(t, open(t, "otlp"+strings.TrimPrefix(server.URL, "http")), test.want)
		})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(`{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old","x":1}}`))
	}))
	defer server.Close()
	err := open(t, "otlp"+strings.TrimPrefix(server.URL, "http")).ExportSpans(t.Context(), numbered(2, 0))
	if got := sinkError(t, err); got.Rejected != 1 || !strings.Contains(err.Error(), "too old") {
		t.Errorf("got %v", err)
	}
}
