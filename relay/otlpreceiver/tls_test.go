package otlpreceiver_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

// clientTLS returns the TLS configuration of a client, with its own certificate if own is
// set.
func clientTLS(t testing.TB, c testenv.Certificates, own bool) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(c.Authority)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AppendCertsFromPEM(pem)
	if own {
		pair, err := tls.LoadX509KeyPair(c.Client, c.ClientKey)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// overHTTPS sends a request by HTTP/1.1 or by HTTP/2.
func overHTTPS(t testing.TB, r *otlpreceiver.Receiver, config *tls.Config, http2 bool) (version string, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2}
	defer transport.CloseIdleConnections()
	body := jsonRequest(jsonSpan(1, "one"))
	url := strings.Replace(urlOf(r), "http://", "https://", 1)
	response, err := (&http.Client{Transport: transport}).Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("%v", response)
	}
	return response.Proto, nil
}

func overGRPCS(t testing.TB, r *otlpreceiver.Receiver, config *tls.Config) error {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+r.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = coltracepb.NewTraceServiceClient(conn).Export(t.Context(), requestOf(t, jsonSpan(1, "one")))
	return err
}

func TestTLS(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	server := "://127.0.0.1:0?osp_cert_file=" + c.Server + "&osp_key_file=" + c.Key
	mutual := server + "&osp_client_ca_certs=" + c.Authority
	for _, query := range []string{server, mutual} {
		overTLS := open(t, "otlp+https"+query)
		(&target{}).drain(t, overTLS)
		for http2, want := range map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"} {
			if version, err := overHTTPS(t, overTLS, clientTLS(t, c, true), http2); err != nil || version != want {
				t.Error(version, err)
			}
		}
		_, err := overHTTPS(t, overTLS, clientTLS(t, c, false), false)
		if (err != nil) != (query == mutual) {
			t.Errorf("without a client's certificate: %v", err)
		}
		rpc := open(t, "otlp+grpcs"+query)
		(&target{}).drain(t, rpc)
		if err := overGRPCS(t, rpc, clientTLS(t, c, true)); err != nil {
			t.Error(err)
		}
		if err := overGRPCS(t, rpc, clientTLS(t, c, false)); (err != nil) != (query == mutual) {
			t.Errorf("without a client's certificate: %v", err)
		}
		if err := overGRPCS(t, rpc, &tls.Config{MinVersion: tls.VersionTLS12}); err == nil {
			t.Error("a client trusts an unknown authority")
		}
	}
}
