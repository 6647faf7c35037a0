package loginsight_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

const faultSpans = 3000

// behind returns the connection string of a server behind a proxy for HTTPS.
func behind(t *testing.T, server *loginsightserver.Server, proxy *testenv.Proxy) string {
	t.Helper()
	_, port, err := net.SplitHostPort(proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(server.URL(), server.Host, "127.0.0.1", 1) + "&api_ssl_port=" + port
}

// While spans are exported, the server ends and starts again.
func TestServerRestarts(t *testing.T) {
	for name, retry := range map[string]store.Retry{"with retry": {}, "without retry": {Elapsed: -1}} {
		t.Run(name, func(t *testing.T) {
			server := loginsightserver.New(t)
			e := faults.Export{Store: open(t, server.URL()), Spans: faultSpans, Retry: retry, Rest: 50 * time.Millisecond}
			r := e.Run(t, func(p *faults.Progress) {
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
				p.AwaitFailures(1)
				if err := server.Restart(); err != nil {
					t.Error(err)
				}
			})
			r.Check(t, open(t, server.URL()))
			if retry.Elapsed == 0 {
				r.CheckNothingLost(t)
			} else {
				r.CheckSomeLost(t)
			}
		})
	}
}

// While spans are exported, connections are cut in the middle of batches and of answers.
func TestConnectionsCut(t *testing.T) {
	server := loginsightserver.New(t)
	proxy := testenv.NewProxy(t, net.JoinHostPort(server.Host, "9543"))
	e := faults.Export{Store: open(t, behind(t, server, proxy)), Spans: faultSpans}
	r := e.Run(t, func(p *faults.Progress) {
		for i, more := 0, true; i < 12 && more; i++ {
			if i%2 == 0 {
				proxy.CutAfter(int64(i) * 37_987 % 150_000)
			} else {
				proxy.CutAnswersAfter(int64(i) * 37 % 300)
			}
			more = p.Await(func() bool { return proxy.Cuts() > i })
		}
		proxy.CutAfter(-1)
		proxy.CutAnswersAfter(-1)
	})
	r.Check(t, open(t, server.URL()))
	r.CheckNothingLost(t)
	if proxy.Cuts() < 4 {
		t.Errorf("there were %d cuts only", proxy.Cuts())
	}
}

// While the server is busy for three seconds, nothing is lost.
func TestPassingStates(t *testing.T) {
	for _, status := range []int{429, 503, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			server := loginsightserver.New(t)
			faults.Passing{
				Store:  open(t, server.URL()),
				Direct: func() *store.Store { return open(t, server.URL()) },
				Enter: func(*testing.T) {
					server.Inject(loginsightserver.Fault{Path: ingestion, Status: status, Times: -1})
				},
				Leave: func(*testing.T) { server.Heal() },
			}.Test(t)
		})
	}
}
