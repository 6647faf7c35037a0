package otlp

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// A dialer keeps the error of the last attempt to connect, because gRPC keeps only its
// text.
type dialer struct {
	timeout time.Duration
	withTLS bool

	mu      sync.Mutex
	last    error
	waiting []chan struct{} // closed at the end of the next attempt
}

// dialTimeout is how long to wait for a connection.
const dialTimeout = 5 * time.Second

func (d *dialer) dial(ctx context.Context, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: d.timeout, KeepAlive: 30 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil || !d.withTLS { // a handshake follows
		d.notice(err)
	}
	return conn, err
}

// notice keeps the outcome of an attempt.
func (d *dialer) notice(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = err
	for _, waiting := range d.waiting {
		close(waiting)
	}
	d.waiting = nil
}

// attempt returns a channel that is closed at the end of the next attempt.
func (d *dialer) attempt() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	waiting := make(chan struct{})
	d.waiting = append(d.waiting, waiting)
	return waiting
}

func (d *dialer) lastError() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// noticingTLS keeps the error of a handshake.
type noticingTLS struct {
	credentials.TransportCredentials
	dialer *dialer
}

// ClientHandshake implements credentials.TransportCredentials.
func (n *noticingTLS) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info, err := n.TransportCredentials.ClientHandshake(ctx, authority, conn)
	n.dialer.notice(err)
	if err != nil {
		return secure, info, err
	}
	return &noticingConn{secure, n.dialer}, info, nil
}

// Clone implements credentials.TransportCredentials.
func (n *noticingTLS) Clone() credentials.TransportCredentials {
	return &noticingTLS{n.TransportCredentials.Clone(), n.dialer}
}

// noticingConn keeps the error of a server that refuses the client's certificate. With
// TLS 1.3 the server says so after the handshake.
type noticingConn struct {
	net.Conn
	dialer *dialer
}

// Read implements net.Conn.
func (n *noticingConn) Read(b []byte) (int, error) {
	count, err := n.Conn.Read(b)
	if err != nil && neterr.RefusedTLS(err) {
		n.dialer.notice(err)
	}
	return count, err
}
