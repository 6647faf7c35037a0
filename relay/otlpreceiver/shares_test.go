package otlpreceiver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func openForTest(t *testing.T, query string) *Receiver {
	t.Helper()
	r, err := Open("otlp+http://127.0.0.1:0?" + query)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// waitUntil waits for a condition.
func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen: " + what)
		}
	}
}

// placesTaken returns how many requests the receiver has admitted.
func placesTaken(r *Receiver) (taken int) {
	free := 0
	for r.requests.TryAcquire(1) {
		free++
	}
	r.requests.Release(int64(free))
	return r.maxRequests - free
}

// With a limit of connections, one client uses at most the same part of the requests and of
// the memory.
func TestAClientLeavesTheRestToOthers(t *testing.T) {
	r := openForTest(t, "osp_max_connections=2&osp_max_address_connections=1&osp_max_requests=4&osp_max_message_size=1000&osp_max_memory=64000&osp_wait=100ms")
	reading := int(r.shares.reading)
	var admitted []*admission
	admit := func(client string, size int) *failure {
		a, f := r.admit(t.Context(), client)
		if f == nil {
			if f = a.reserve(t.Context(), size); f == nil {
				admitted = append(admitted, a)
				return nil
			}
			a.leave()
		}
		return f
	}
	for _, step := range []struct {
		client string
		size   int
		busy   string
	}{
		{"192.0.2.1:1000", reading, ""},
		{"192.0.2.1:1001", 1, "memory"},
		{"192.0.2.1:1002", 0, ""},
		{"192.0.2.1:1003", 0, "or 2 of this client"},
		{"[2001:db8::1]:1", reading, ""},
		{"[2001:db8::2]:2", 0, ""},
		{"192.0.2.3:1", 0, "handles 4 requests"},
	} {
		if f := admit(step.client, step.size); (f == nil) != (step.busy == "") || f != nil && !strings.Contains(f.text, step.busy) {
			t.Errorf("%+v: %v", step, f)
		}
	}
	for _, a := range admitted {
		a.leave()
	}
	if len(r.shares.all) != 0 {
		t.Errorf("%d shares stay", len(r.shares.all))
	}
	for _, client := range []string{"127.0.0.1:1", "127.0.0.1:2", "[::1]:1"} { // programs of this machine
		if f := admit(client, reading/2); f != nil {
			t.Errorf("%s: %v", client, f)
		}
	}
}

// A client that sends the beginning of a request reserves no memory for the rest.
func TestSlowBodiesHoldNoMemory(t *testing.T) {
	r := openForTest(t, "")
	for i := range 8 {
		conn, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		encoding := "Content-Length: 4000000"
		if i%2 == 0 {
			encoding = "Content-Encoding: gzip\r\nTransfer-Encoding: chunked"
		}
		if _, err := io.WriteString(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+encoding+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "every request is handled", func() bool { return placesTaken(r) == 8 })
	time.Sleep(50 * time.Millisecond) // time to reserve memory; nothing fails if it is too short
	all := int64(max(r.maxMemory/readingPart-r.maxMemory/firstParts, r.maxMessage))
	if !r.reading.TryAcquire(all) {
		t.Error("slow clients hold memory for bodies")
	} else {
		r.reading.Release(all)
	}
}

// Slow requests give way to others, even if they use all admissions.
func TestSlowRequestsGiveTheirPlaces(t *testing.T) {
	r := openForTest(t, "osp_max_requests=2&osp_wait=25s&osp_read_timeout=10m")
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for ctx.Err() == nil {
			for _, err := range r.Read(ctx) {
				if err != nil {
					return
				}
			}
			_ = r.Acknowledge(ctx, r.Position())
		}
	}()
	defer func() { cancel(); <-drained }()
	for range 2 {
		conn, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "both requests are handled", func() bool { return placesTaken(r) == 2 })
	response, err := http.Post(fmt.Sprintf("http://%s/v1/traces", r.Addr()), jsonType, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the answer is %s", response.Status)
	}
}

// Connections over the limit of an address are closed, and no others.
func TestConnectionsOfAnAddress(t *testing.T) {
	r := openForTest(t, "osp_max_address_connections=2")
	var open []net.Conn
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		return conn
	}
	answers := func(conn net.Conn) bool {
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, _ := conn.Read(make([]byte, 100))
		return n > 0
	}
	for range 2 {
		open = append(open, dial())
		if !answers(open[len(open)-1]) {
			t.Error("a connection within the bound has no answer")
		}
	}
	if answers(dial()) {
		t.Error("a connection over the bound has an answer")
	}
	open[0].Close()
	for end := time.Now().Add(time.Minute); !answers(dial()); {
		if time.Now().After(end) {
			t.Fatal("the place of a closed connection stays taken")
		}
	}
}

// Without a limit, the clients behind one address may use all resources of the receiver.
func TestOneAddressMayUseAll(t *testing.T) {
	r := openForTest(t, "osp_max_requests=4&osp_wait=100ms")
	for range 4 {
		a, f := r.admit(t.Context(), "192.0.2.1:1000")
		if f != nil {
			t.Fatal(f)
		}
		t.Cleanup(a.leave)
	}
	if r.connections.perHost != r.maxConnections {
		t.Errorf("an address may have %d of %d connections", r.connections.perHost, r.maxConnections)
	}
	if _, f := r.admit(t.Context(), "192.0.2.1:1000"); f == nil || f.text != "the receiver handles 4 requests already" {
		t.Errorf("the fifth request: %v", f)
	}
}

// A client that waits for its own share ends its own slow requests, and no others.
func TestOnlyThoseWhoHoldTheShareAreHurried(t *testing.T) {
	r := openForTest(t, "osp_max_requests=4&osp_wait=20s&osp_max_connections=2&osp_max_address_connections=1")
	admit := func(client string) *admission {
		a, f := r.admit(t.Context(), client)
		if f != nil {
			t.Fatal(f)
		}
		return a
	}
	greedy, _, other := admit("192.0.2.1:1"), admit("192.0.2.1:2"), admit("192.0.2.2:1")
	admitted := make(chan struct{})
	go func() {
		defer close(admitted)
		if a, f := r.admit(t.Context(), "192.0.2.1:3"); f == nil {
			a.leave()
		}
	}()
	waitUntil(t, "the greedy client waits", func() bool { return greedy.own.short.Load() == 1 })
	endOfGreedy, endOfOther := make(chan struct{}), make(chan struct{})
	defer other.hurry(nil, func() { close(endOfOther) })()
	defer greedy.hurry(nil, func() { close(endOfGreedy) })()
	select {
	case <-endOfGreedy:
	case <-time.After(time.Minute):
		t.Error("the slow request of the client that waits goes on")
	}
	select {
	case <-endOfOther:
		t.Error("the request of another client ends, although places and memory are free")
	case <-time.After(patience):
	}
	greedy.leave()
	<-admitted
}

func TestHostOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:1":           "192.0.2.1",
		"[::ffff:192.0.2.1]:1":  "192.0.2.1",
		"[2001:db8::1]:1":       "2001:db8::/64",
		"[2001:db8::2:3]:1":     "2001:db8::/64",
		"[2001:db8:0:1::2]:1":   "2001:db8:0:1::/64",
		"[fe80::1%eth0]:1":      "fe80::1",
		"127.0.0.1:1":           "127.0.0.1 local",
		"[::1]:1":               "::1 local",
		"[::ffff:127.0.0.1]:12": "127.0.0.1 local",
		"@":                     "@ local",
	} {
		host, isLocal := hostOf(address)
		if isLocal {
			host += " local"
		}
		if host != want {
			t.Errorf("%s is %q, not %q", address, host, want)
		}
	}
	if clientKey("[fe80::1%eth0]:1") != clientKey("[fe80::1%eth0]:2") {
		t.Error("connections of a link-local address are clients of their own")
	}
}
