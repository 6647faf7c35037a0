package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// If a source or a target cannot be reached for a while, forward continues, and nothing is
// lost. The outage begins in the middle of a message.
func TestForwardThroughOutage(t *testing.T) {
	t.Parallel()
	const outage = 2 * time.Second
	for name, database := range map[string]func(testing.TB) string{
		"redis": testenv.RedisDB, "postgresql": testenv.PostgreSQL, "mariadb": testenv.MariaDB,
	} {
		for _, side := range []string{"source", "target"} {
			t.Run(name+" "+side, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				from, to := database(t), database(t)
				if r := osp(t, dir, "forward", "--from", bigStore(t, 8000), "--to", from); r.code != exitDone {
					t.Fatalf("%+v", r)
				}
				var proxy *testenv.Proxy
				throughFrom, throughTo := from, to
				if side == "source" {
					throughFrom, proxy = throughProxy(t, from)
					proxy.CutAnswersAfter(1_000_000)
				} else {
					throughTo, proxy = throughProxy(t, to)
					proxy.CutAfter(1_000_000)
				}
				proxy.AtCut(func() {
					proxy.Refuse(true)
					proxy.Reset() // the other connections of the client
					time.AfterFunc(outage, func() { proxy.Refuse(false) })
				})
				began := time.Now()
				r := osp(t, dir, "forward", "--from", throughFrom, "--to", throughTo)
				if r.code != exitDone || proxy.Cuts() != 1 || time.Since(began) < outage {
					t.Errorf("%+v after %v and %d cuts", r, time.Since(began), proxy.Cuts())
				}
				r = osp(t, dir, "forward", "--from", from, "--to", to)
				if r.code != exitDone || !strings.Contains(r.stderr, "8,000 notifications read, 0 written, 8,000 there already") {
					t.Errorf("a second run: %+v; want nothing to write", r)
				}
			})
		}
	}
}

// throughProxy returns a connection string that leads through a proxy, and the proxy.
func throughProxy(t *testing.T, connectionString string) (through string, proxy *testenv.Proxy) {
	t.Helper()
	u, err := url.Parse(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	proxy = testenv.NewProxy(t, u.Host)
	u.Host = proxy.Addr()
	return u.String(), proxy
}
