package neterr

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

func TestExplain(t *testing.T) {
	full := &Server{
		Name: "Redis at h:1", Timeout: time.Second, TimeoutOption: "socket_timeout", Trust: "ca names the authority",
		Without: "the connection string should start with redis://", Hint: "where it speaks TLS, use rediss://",
	}
	bare := &Server{Name: "Redis at h:1"}
	refused := dialing(system("connect", syscall.ECONNREFUSED))
	silent := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	for _, c := range []struct {
		server *Server
		err    error
		want   string
	}{
		{full, refused, "cannot connect to Redis at h:1: connection refused"},
		{full, &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 1}, Err: system("connect", syscall.ECONNREFUSED)}, "cannot connect to Redis at h:1: 10.0.0.7:1: connection refused"},
		{&Server{Name: "Redis at 10.0.0.7:1"}, &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 1}, Err: system("connect", syscall.ECONNREFUSED)}, "cannot connect to Redis at 10.0.0.7:1: connection refused"},
		{full, fmt.Errorf("dial: %w", &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}), `cannot connect to Redis at h:1: there is no host "h"`},
		{full, dialing(&net.AddrError{Err: "missing port", Addr: "h"}), "cannot connect to Redis at h:1: address h: missing port"},
		{full, tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "cannot connect to Redis at h:1 by TLS: the server does not speak TLS; without it the connection string should start with redis://"},
		{bare, tls.RecordHeaderError{}, "cannot connect to Redis at h:1 by TLS: the server does not speak TLS"},
		{full, x509.UnknownAuthorityError{}, "cannot connect to Redis at h:1 by TLS (ca names the authority): x509: certificate signed by unknown authority"},
		{bare, x509.UnknownAuthorityError{}, "cannot connect to Redis at h:1 by TLS: x509: certificate signed by unknown authority"},
		{full, silent, "Redis at h:1 did not answer within the socket_timeout of 1s (where it speaks TLS, use rediss://): i/o timeout"},
		{bare, silent, "Redis at h:1 did not answer in time: i/o timeout"},
		{full, io.EOF, "the connection to Redis at h:1 was lost (where it speaks TLS, use rediss://): EOF"},
		{bare, fmt.Errorf("ping: %w", errOfLibrary), "the connection to Redis at h:1 was lost: bad packet"},
	} {
		got := c.server.Explain(c.err, errOfLibrary)
		if got.Error() != c.want || !errors.Is(got, c.err) && fmt.Sprint(errors.Unwrap(got)) != fmt.Sprint(c.err) {
			t.Errorf("%v:\n got %v, which wraps %v\nwant %s", c.err, got, errors.Unwrap(got), c.want)
		}
	}
	for _, err := range []error{nil, errors.New("ERR syntax error"), explained.New(io.EOF, "it ended")} {
		if got := full.Explain(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}
