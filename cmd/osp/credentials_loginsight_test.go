package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A logInsight is a server that can be killed.
type logInsight struct {
	*loginsightserver.Server
	t *testing.T
}

// Addr returns the address for HTTPS.
func (s logInsight) Addr() string {
	return net.JoinHostPort(s.Host, fmt.Sprint(loginsightserver.SSLPort))
}

// Kill stops the server and closes all of its connections.
func (s logInsight) Kill() {
	if err := s.Stop(); err != nil {
		s.t.Error(err)
	}
}

// Restart starts the server again.
func (s logInsight) Restart() {
	if err := s.Server.Restart(); err != nil {
		s.t.Fatal(err)
	}
}

// newLogInsight starts a server with the good trace. The password of its account is a secret.
func newLogInsight(t *testing.T, of string) (server logInsight, at string) {
	t.Helper()
	server = logInsight{loginsightserver.New(t), t}
	server.SetPassword(secret(of))
	fill(t, server.URL())
	return server, server.URL()
}

func logInsightTroubles(t *testing.T) ([]trouble, victim) {
	server, good := newLogInsight(t, "good")
	spoilt, bad := newLogInsight(t, "bad")
	broken, about := "{", goodTrace
	spoilt.Add(
		loginsightserver.Event{Text: "OSProfiler trace", Timestamp: time.Now().UnixMilli(), Fields: []loginsightserver.Field{{Name: "base_id", Content: &about}, {Name: "trace", Content: &broken}}},
		loginsightserver.Event{Text: "another program about an OSProfiler trace", Timestamp: time.Now().UnixMilli()})
	trusting := "?osp_ca_certs=" + url.QueryEscape(server.CAFile)
	other := "?osp_ca_certs=" + url.QueryEscape(testenv.NewCertificates(t, "").Authority)
	user := func(password, host, options string) string {
		return as("loginsight", loginsightserver.Username, password, host, options)
	}
	website := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome</html>") }))
	t.Cleanup(website.Close)
	_, sitePort, _ := net.SplitHostPort(website.Listener.Addr().String())
	_, closed, _ := net.SplitHostPort(testenv.ClosedPort(t))
	pw := secret("wrong")
	const refused, cannot = "refuses the user or the password", "cannot connect to Log Insight at "
	troubles := []trouble{
		{name: "special characters", at: good, reads: true, writes: true},
		{name: "wrong password", at: user(pw, server.Host, trusting), error: refused, writes: true}, // sending needs no user
		{name: "unknown user", at: as("loginsight", "nobody", pw, server.Host, trusting), error: refused, writes: true},
		{name: "no user", at: as("loginsight", "", "", server.Host, trusting), error: "answers queries only to a user", writes: true},
		{name: "unknown authority", at: user(pw, server.Host, ""), error: "osp_ca_certs names the file with the authority to trust"},
		{name: "foreign authority", at: user(pw, server.Host, other), error: "osp_ca_certs names the file with the authority to trust"},
		{name: "not verified", at: user(secret("good"), server.Host, "?osp_verify_certs=no"), reads: true, writes: true},
		{name: "as Python", at: user(secret("good"), server.Host, "?osp_python_transport=yes"), reads: true, writes: true},
		{name: "TLS where the server has none", at: good + "&api_ssl_port=9000", error: "does not speak TLS"},
		{name: "HTTP where the server speaks TLS", at: good + "&osp_plain_ingestion=yes&api_port=9543", error: "answers: 400 Bad Request", reads: true, writeTo: "b7c1d2e3-f405-4617-8829-3a4b5c6d7e8f"},
		{name: "refused port", at: user(pw, "127.0.0.1", "?api_ssl_port="+closed), error: cannot + "127.0.0.1"},
		{name: "unknown host", at: user(pw, "no-such-host.invalid", ""), error: cannot + "no-such-host.invalid"},
		{name: "a port in the host", at: user(pw, server.Host+":9543", ""), error: "a name or an address without a port"},
		{name: "a web site", at: user(pw, "127.0.0.1", "?osp_verify_certs=no&api_ssl_port="+sitePort), error: "does not answer as Log Insight does"},
		{name: "foreign and damaged events among ours", at: bad, reads: true, writes: true, damage: "skipped an event of Log Insight"},
		{name: "nothing", at: good, reads: true, writes: true},
	}
	for i := range troubles {
		troubles[i].noFeed = true
	}
	mortal := logInsight{loginsightserver.New(t), t}
	mortal.SetPassword(secret("victim"))
	return troubles, victim{server: mortal, error: "Log Insight at 127.0.0.1", at: func(_ *testing.T, addr string) string {
		_, port, _ := net.SplitHostPort(addr)
		return strings.Replace(mortal.URL(), mortal.Host, "127.0.0.1", 1) + "&api_ssl_port=" + port
	}}
}
