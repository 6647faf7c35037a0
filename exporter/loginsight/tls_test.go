package loginsight_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/store"
)

// trusting returns a configuration that trusts the authority of a server.
func trusting(t testing.TB, server *loginsightserver.Server) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// A server is verified unless the connection string says otherwise, and nothing is
// sent to one that is not.
func TestTLS(t *testing.T) {
	server, other := loginsightserver.New(t), loginsightserver.New(t)
	for options, want := range map[string]string{
		"osp_ca_certs=" + server.CAFile: "",
		"osp_verify_certs=no":           "",
		"osp_python_transport=yes":      "",
		"":                              "(osp_ca_certs names the file with the authority to trust): x509: certificate signed by unknown authority",
		"osp_plain_ingestion=yes":       "x509: certificate signed by unknown authority",
		"osp_ca_certs=" + other.CAFile:  "x509: certificate signed by unknown authority",
	} {
		s := open(t, server.PythonURL()+"?"+options)
		err := s.Ping(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || store.IsTransient(err)) {
			t.Errorf("%s: %v, want %q", options, err, want)
		}
		requests := server.Requests()
		if want != "" && len(requests) > 0 {
			t.Errorf("%s: the server got %+v", options, requests)
		}
		for _, r := range requests {
			if isPlain := strings.Contains(r.Path, "/ingest/") && strings.Contains(options, "python"); r.Secure == isPlain {
				t.Errorf("%s: %s came by TLS: %v", options, r.Path, r.Secure)
			}
		}
	}
}

// The port for HTTP speaks no TLS.
func TestNoTLS(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL()+"&api_ssl_port=9000")
	err := s.Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "by TLS: the server does not speak TLS") || store.IsTransient(err) {
		t.Errorf("got %v", err)
	}
}
