package otlpreceiver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

// connect opens a connection and sends a text.
func connect(t testing.TB, r *otlpreceiver.Receiver, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// closedByServer reads from a connection until the server closes it.
func closedByServer(t testing.TB, conn net.Conn) string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
	text, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
	return string(text)
}

// A request whose body does not arrive is answered and given up.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	testenv.Growing(t, time.Second, func(d time.Duration) error {
		r := open(t, free+"?osp_read_timeout="+d.String())
		const body = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
		if got := closedByServer(t, connect(t, r, body)); !strings.Contains(got, "503 Service Unavailable") {
			return fmt.Errorf("the answer is %q", got)
		}
		return nil
	})
}

// Connections that send slowly or nothing are closed.
func TestSlowConnections(t *testing.T) {
	for name, c := range map[string]struct{ url, text, want string }{
		"HTTP nothing":  {free + "?osp_read_timeout=200ms", "", ""},
		"HTTP headers":  {free + "?osp_read_timeout=200ms", "POST /v1/traces HTTP/1.1\r\nHo", ""},
		"HTTP idle":     {free + "?osp_idle_timeout=200ms", "GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed"},
		"HTTP headers+": {free, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<16) + "\r\n\r\n", "431 Request Header Fields Too Large"},
		"gRPC idle":     {freeGRPC + "?osp_idle_timeout=200ms", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", ""},
		"gRPC garbage":  {freeGRPC, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t, c.url)
			if got := closedByServer(t, connect(t, r, c.text)); !strings.Contains(got, c.want) {
				t.Errorf("the answer is %q", got)
			}
		})
	}
}

// A connection over the limit waits until another one is closed.
func TestMaxConnections(t *testing.T) {
	r := open(t, free+"?osp_max_connections=1")
	(&target{}).drain(t, r)
	first := connect(t, r, "GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReader(first).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	second := connect(t, r, "GET /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	_ = second.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := second.Read(make([]byte, 1)); err == nil {
		t.Errorf("the second connection has an answer: %d", n)
	}
	first.Close()
	if got := closedByServer(t, second); !strings.Contains(got, "405") {
		t.Errorf("the answer is %q", got)
	}
}

// Over the limit of requests or of memory, a client is asked to send again.
func TestMaxRequests(t *testing.T) {
	body := jsonRequest(jsonSpan(1, strings.Repeat("x", 1000)))
	for name, query := range map[string]string{
		"requests": "?osp_wait=500ms&osp_max_requests=2",
		"memory":   fmt.Sprintf("?osp_wait=500ms&osp_max_message_size=%d&osp_max_memory=%d", len(body), 2*8*len(body)*4/3+8),
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, free+query)
			var wg sync.WaitGroup
			answers := make(chan answer, 3)
			for range cap(answers) {
				wg.Go(func() { answers <- postJSON(t, r, body) })
			}
			wg.Wait()
			close(answers)
			codes := map[int]int{}
			for a := range answers {
				codes[a.code]++
				if a.header.Get("Retry-After") == "" {
					t.Errorf("%d without Retry-After", a.code)
				}
				retryInfo(t, statusOf(t, a))
			}
			// The third request waits as long as the two others do. It may be admitted when
			// they leave, and then it waits for the targets.
			if codes[503] < 2 || codes[429]+codes[503] != 3 {
				t.Errorf("the answers are %v", codes)
			}
			if r.Stats().Waiting != 0 {
				t.Errorf("%+v", r.Stats())
			}
			to := (&target{}).drain(t, r)
			untilTaken(t, r, body)
			if got := len(strings.Fields(to.different())); got != 2 {
				t.Errorf("the target has %d different notifications", got)
			}
		})
	}
}

// A request that was admitted long before another one gets its answer. The other one is
// answered that the receiver is busy.
func TestBusy(t *testing.T) {
	r := open(t, freeGRPC+"?osp_wait=10m&osp_max_requests=1")
	_, client := dial(t, r)
	first := make(chan error, 1)
	go func() {
		_, err := client.Export(t.Context(), requestOf(t, jsonSpan(1, "one")))
		first <- err
	}()
	eventually(t, "a request that waits", func() bool { return r.Stats().Waiting == 1 })
	testenv.Growing(t, 3*time.Second, func(d time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		_, err := client.Export(ctx, requestOf(t, jsonSpan(2, "two")))
		if s := status.Convert(err); s.Code() != codes.Unavailable || !strings.Contains(s.Message(), "handles 1 requests") {
			return fmt.Errorf("the client gets %w", err)
		}
		return nil
	})
	(&target{}).drain(t, r)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// Requests that were read but not acknowledged keep their memory, because the relay still has
// their notifications.
func TestMemoryOfTargets(t *testing.T) {
	body := jsonRequest(jsonSpan(1, strings.Repeat("x", 1000)))
	r := open(t, free+fmt.Sprintf("?osp_wait=800ms&osp_max_message_size=%d&osp_max_memory=%d", len(body), 10*len(body)*4/3))
	to := &target{release: make(chan struct{})}
	to.drain(t, r)
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusTooManyRequests} {
		if a := postJSON(t, r, body); a.code != want {
			t.Errorf("%d, not %d: %v", a.code, want, statusOf(t, a))
		}
	}
	if got := r.Stats().Spans; got != 0 {
		t.Errorf("%d spans count before a target has them", got)
	}
	close(to.release)
	eventually(t, "free memory", func() bool { return r.Stats().Waiting == 0 })
	requests := untilTaken(t, r, body)
	eventually(t, "free memory again", func() bool { return r.Stats().Waiting == 0 })
	if got := r.Stats().Spans; got < 2 || got > int64(1+requests) {
		t.Errorf("%d spans count, after %d more requests", got, requests)
	}
}

// Two requests that each take nearly all memory wait for each other.
func TestRequestsThatTakeAllMemory(t *testing.T) {
	const memory = 16 << 20
	host := strings.Repeat("h", 1<<17)
	var body string
	for spans := []string{jsonSpan(1, "x")}; ; spans = append(spans, jsonSpan(len(spans)+1, "x")) {
		next := strings.Replace(jsonRequest(spans...), `"service.name","value":{"stringValue":"nova"`, `"host.name","value":{"stringValue":"`+host+`"`, 1)
		if otlppb.WeighJSON(next) > memory*3/4 {
			break
		}
		body = next
	}
	r := open(t, free+fmt.Sprintf("?osp_wait=5m&osp_max_message_size=%d&osp_max_memory=%d", 1<<20, memory))
	(&target{forget: true}).drain(t, r)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if a := postJSON(t, r, body); a.code != http.StatusOK {
				t.Errorf("%d: %v", a.code, statusOf(t, a))
			}
		})
	}
	wg.Wait()
}

// Clients that send slowly do not lock out the others.
func TestSlowClientsGiveWay(t *testing.T) {
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			r := open(t, "otlp+"+protocol+"://127.0.0.1:0?osp_wait=1m&osp_max_message_size=100000&osp_max_memory=800000")
			(&target{}).drain(t, r)
			if protocol == "http" {
				for range 4 {
					connect(t, r, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99990\r\n\r\n{")
				}
				eventually(t, "slow requests", func() bool { return r.Stats().Requests == 4 })
				responseOf(t, postJSON(t, r, jsonRequest(jsonSpan(1, "one"))))
				return
			}
			conn, client := dial(t, r)
			for range 4 {
				_, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
				if err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "slow requests", func() bool { return r.Stats().Requests == 4 })
			if _, err := client.Export(t.Context(), requestOf(t, jsonSpan(1, "one"))); err != nil {
				t.Error(err)
			}
		})
	}
}

// Close answers the waiting requests. Then the address is free again.
func TestClose(t *testing.T) {
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			r := open(t, "otlp+"+protocol+"://127.0.0.1:0?osp_wait=1h&osp_read_timeout=1h")
			connect(t, r, "") // a connection that sends nothing delays nobody
			code := make(chan string, 1)
			go func() {
				if protocol == "http" {
					code <- fmt.Sprint(postJSON(t, r, jsonRequest(jsonSpan(1, "one"))).code)
					return
				}
				_, client := dial(t, r)
				_, err := client.Export(t.Context(), requestOf(t, jsonSpan(1, "one")))
				code <- status.Code(err).String()
			}()
			eventually(t, "a request that waits", func() bool { return r.Stats().Waiting == 1 })
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := <-code; got != "503" && got != "Unavailable" {
				t.Errorf("the answer is %s", got)
			}
			again := open(t, "otlp+"+protocol+"://"+r.Addr().String())
			if again.Addr().String() != r.Addr().String() {
				t.Error(again.Addr())
			}
		})
	}
}

// The timeout for reading a request ends when the request was read. The targets may take
// longer.
func TestReadTimeoutEnds(t *testing.T) {
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			testenv.Growing(t, time.Second, func(d time.Duration) error {
				r := open(t, "otlp+"+protocol+"://127.0.0.1:0?osp_wait=5m&osp_read_timeout="+d.String())
				to := &target{release: make(chan struct{})}
				to.drain(t, r)
				time.AfterFunc(2*d, func() { close(to.release) })
				if protocol == "http" {
					if a := postJSON(t, r, jsonRequest(jsonSpan(1, "one"))); a.code != http.StatusOK {
						return fmt.Errorf("the answer is %d %v", a.code, statusOf(t, a))
					}
					return nil
				}
				_, client := dial(t, r)
				_, err := client.Export(t.Context(), requestOf(t, jsonSpan(1, "one")))
				return err
			})
		})
	}
}
