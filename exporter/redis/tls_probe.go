package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// probeTime is the time in which a server must show whether it speaks TLS.
const probeTime = 500 * time.Millisecond

// tlsHint returns the hint that one side speaks TLS and the other does not, if
// that is why the server ended the connection or gave no answer. It does not
// probe a server that has answered before, nor the server of a client that a
// program made.
func (d *database) tlsHint(ctx context.Context, err error) string {
	if d.hint == "" || d.answered.Load() || !neterr.Broken(err) && !neterr.TimedOut(err) {
		return ""
	}
	addrs := d.addrs
	var operation *net.OpError
	switch {
	case errors.As(err, &operation) && operation.Addr != nil:
		addrs = []string{operation.Addr.String()}
	case d.isSentinel && !noSentinel(err): // the error is about a master whose address is not known here
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	for _, addr := range addrs {
		if d.withTLS && answersPlainly(ctx, addr) || !d.withTLS && speaksTLS(ctx, addr) {
			return d.hint
		}
	}
	return ""
}

// speaksTLS reports whether a server answers the beginning of TLS by TLS.
func speaksTLS(ctx context.Context, addr string) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) //nolint:gosec // nothing is sent
	var alert *net.OpError
	return err == nil || errors.As(err, &alert) && alert.Op == "remote error"
}

// answersPlainly reports whether a server answers a command that is not encrypted.
func answersPlainly(ctx context.Context, addr string) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer := make([]byte, 1)
	n, _ := conn.Read(answer)
	return n == 1 && strings.ContainsAny(string(answer), "+-")
}
