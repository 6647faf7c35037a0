package otlpreceiver_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

// dialTCP connects to a receiver.
func dialTCP(t *testing.T, r *otlpreceiver.Receiver) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// Most clients send the whole request before they read the answer. The answer must reach
// them, because otherwise they treat it as a broken connection and send the same again.
func TestTheAnswerReachesClientsThatAreStillSending(t *testing.T) {
	const most = 4 << 20
	r := open(t, fmt.Sprintf("%s?osp_token=secret&osp_max_message_size=%d", free, most))
	for name, c := range map[string]struct {
		size   int
		header string
		code   int
	}{
		"large":       {3 * most, "Authorization: Bearer secret", 413},
		"wrong token": {most, "Authorization: Bearer wrong", 401},
		"no token":    {3 * most, "X: y", 401},
		"wrong type":  {most, "Authorization: Bearer secret\r\nContent-Type: text/plain", 415},
		"not gzip":    {most, "Authorization: Bearer secret\r\nContent-Encoding: gzip", 400},
		"in chunks":   {-3 * most, "Authorization: Bearer secret", 413},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dialTCP(t, r)
			header := c.header
			if !strings.Contains(header, "Content-Type") {
				header += "\r\nContent-Type: application/json"
			}
			length, size := fmt.Sprintf("Content-Length: %d\r\n\r\n", c.size), c.size
			if c.size < 0 {
				size = -c.size
				length = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", size)
			}
			if _, err := io.WriteString(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\n"+header+"\r\n"+length); err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(conn, blanks{}, int64(size)); err != nil {
				t.Fatal(err)
			}
			if c.size < 0 {
				if _, err := io.WriteString(conn, "\r\n0\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != c.code {
				t.Errorf("the answer is %s, not %d", answer.Status, c.code)
			}
		})
	}
}

type blanks struct{}

func (blanks) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// A client may close its side of the connection after the request and wait for the answer.
func TestHalfClosedConnections(t *testing.T) {
	r := open(t, free)
	to := &target{release: make(chan struct{})}
	to.drain(t, r)
	conn := dialTCP(t, r)
	body := jsonRequest(jsonSpan(1, "one"))
	if _, err := fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the target gets the span", func() bool { return to.operations() == "one-start one-stop" })
	close(to.release)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		t.Errorf("the answer is %s: %s", answer.Status, text)
	}
}
