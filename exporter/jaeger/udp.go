package jaeger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/uber/jaeger-client-go/thrift"
	"github.com/uber/jaeger-client-go/thrift-gen/agent"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// redialAfter is how long a socket is used. A host name may get another address, which UDP
// does not report.
const redialAfter = 30 * time.Second

// leastPause is the pause after a small datagram. It is also the time in which this
// machine or a near one reports that nobody listens.
const leastPause = 200 * time.Microsecond

// A udpSender sends compact thrift to the port of an agent.
type udpSender struct {
	address string
	limit   int
	pause   time.Duration
	server  neterr.Server

	lock   chan struct{} // has a value while a datagram is sent, because of the pauses
	conn   net.Conn      // nil before the first datagram and after an error
	dialed time.Time
	buffer *thrift.TMemoryBuffer
	client *agent.AgentClient // it writes into buffer
}

func newUDP(address string, c *config) *udpSender {
	buffer := thrift.NewTMemoryBufferLen(maxDatagramSize)
	return &udpSender{
		lock: make(chan struct{}, 1), address: address, limit: c.maxMessageSize, pause: c.pause, buffer: buffer,
		client: agent.NewAgentClientFactory(buffer, thrift.NewTCompactProtocolFactoryConf(nil)),
		server: neterr.Server{Name: "Jaeger at " + address + " (UDP)"},
	}
}

func (u *udpSender) name() string { return u.server.Name }

func (u *udpSender) cutter() *cutter {
	return &cutter{protocol: thrift.NewTCompactProtocolFactoryConf(nil), limit: u.limit, overhead: 64, trim: true}
}

func (u *udpSender) send(ctx context.Context, b *batch) error {
	select {
	case u.lock <- struct{}{}:
	case <-ctx.Done():
		return u.explain(context.Cause(ctx))
	}
	defer func() { <-u.lock }()
	u.buffer.Reset()
	if err := u.client.EmitBatch(ctx, b.thrift()); err != nil {
		return &refusedError{err: fmt.Errorf("cannot write the spans as thrift: %w", err)}
	}
	if u.buffer.Len() > u.limit {
		return &refusedError{err: fmt.Errorf("a datagram of %d bytes is too large: the limit is %d", u.buffer.Len(), u.limit), tooMuch: true}
	}
	if err := u.connect(ctx); err != nil {
		return u.explain(err)
	}
	return u.explain(u.write(ctx))
}

// ping resolves the host, and sends a batch without spans. An empty datagram would not do:
// Jaeger 1.76.0 cmd/jaeger panics at one.
func (u *udpSender) ping(ctx context.Context) error { return u.send(ctx, emptyBatch()) }

func (u *udpSender) connect(ctx context.Context) error {
	if u.conn != nil && time.Since(u.dialed) < redialAfter {
		return nil
	}
	u.drop()
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", u.address)
	if err != nil {
		return err
	}
	u.conn, u.dialed = conn, time.Now()
	return nil
}

// write sends the buffer as one datagram, and then pauses. The pause reads, because a
// socket reports there that the host refused the datagram.
func (u *udpSender) write(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	sent := false
	err := u.conn.SetWriteDeadline(deadline)
	if err == nil {
		_, err = u.conn.Write(u.buffer.Bytes())
		sent = err == nil
	}
	pauseEnd := time.Now().Add(u.pauseFor(u.buffer.Len()))
	if !deadline.IsZero() && deadline.Before(pauseEnd) {
		pauseEnd = deadline
	}
	if err == nil {
		err = u.conn.SetReadDeadline(pauseEnd)
		defer context.AfterFunc(ctx, endPause(u.conn))()
	}
	if err == nil {
		_, err = u.conn.Read(make([]byte, 1))
	}
	if err == nil || sent && errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	u.drop()
	return cmp.Or(context.Cause(ctx), err)
}

// endPause returns a function that ends the pause behind a datagram.
func endPause(conn net.Conn) func() {
	return func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) }
}

func (u *udpSender) pauseFor(bytes int) time.Duration {
	return max(min(leastPause, u.pause), u.pause*time.Duration(bytes)/maxDatagramSize)
}

// drop closes the socket. The next datagram makes another one.
func (u *udpSender) drop() {
	if u.conn != nil {
		_ = u.conn.Close() // nothing waits in a socket for datagrams
		u.conn = nil
	}
}

func (u *udpSender) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return &store.TransientError{Err: explained.New(err, "nobody listens on UDP port %s: the agent should run there, or the scheme should be jaeger+http or otlp for a Jaeger that takes no UDP", u.address)}
	case errors.Is(err, syscall.EMSGSIZE):
		return explained.New(err, "this machine sends no datagram of %d bytes to %s: osp_max_message_size should be less", u.buffer.Len(), u.address)
	}
	sentence := u.server.Explain(err)
	if class, ok := neterr.ClassOf(err); ok && class.IsTransient() {
		return &store.TransientError{Err: sentence}
	}
	return sentence
}

func (u *udpSender) close() error {
	u.lock <- struct{}{}
	defer func() { <-u.lock }()
	u.drop()
	return nil
}
