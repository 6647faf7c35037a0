package neterr

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// RefusedTLS is true for a peer that is not trusted, speaks no TLS or speaks another
// version. It is false for a peer that cannot be reached.
func TestRefusedTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	connect := func(address string, c *tls.Config) error {
		conn, err := tls.Dial("tcp", address, c)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1)) // with TLS 1.3, the refusal of the server arrives here
		return err
	}
	secure, open := server.Listener.Addr().String(), plain.Listener.Addr().String()
	defer http.DefaultClient.CloseIdleConnections()
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"no client certificate":   {connect(secure, &tls.Config{InsecureSkipVerify: true}), true},
		"unknown authority":       {connect(secure, &tls.Config{}), true},
		"no TLS":                  {connect(open, &tls.Config{InsecureSkipVerify: true}), true},
		"no common version":       {connect(secure, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), true},
		"nobody listens":          {connect("127.0.0.1:1", &tls.Config{}), false},
		"connection ended":        {io.EOF, false},
		"connection closed by us": {net.ErrClosed, false},
		"no error":                {nil, false},
		"plain HTTP":              {getHTTPS(plain.URL), true},
	} {
		if got := RefusedTLS(c.err); got != c.want || (c.err == nil) != (name == "no error") {
			t.Errorf("%s: %v, want %v: %v", name, got, c.want, c.err)
		}
		if got, want := SpeaksNoTLS(c.err), name == "no TLS" || name == "plain HTTP"; got != want {
			t.Errorf("%s: SpeaksNoTLS = %v: %v", name, got, c.err)
		}
	}
}

// getHTTPS asks a server of plain HTTP for TLS, as net/http does.
func getHTTPS(address string) error {
	response, err := http.Get(strings.Replace(address, "http://", "https://", 1))
	if err == nil {
		_ = response.Body.Close()
	}
	return err
}
