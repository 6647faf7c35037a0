package rabbitmq

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A conn is an open connection.
type conn struct {
	name    string // of the server, for errors
	wire    *wire
	amqp    *amqp.Connection
	timeout time.Duration
	ended   chan struct{} // closed when the client library has ended
	largest int           // the size of the largest body that the broker accepts, once an answer has stated it

	mu      sync.Mutex
	alarm   string        // why the broker has blocked the connection; "" if it has not
	changed chan struct{} // closed when alarm changes
	closing *amqp.Error   // from the broker, or nil
}

func newConn(name string, w *wire, opened *amqp.Connection, timeout time.Duration) *conn {
	c := &conn{name: name, wire: w, amqp: opened, timeout: timeout, ended: make(chan struct{}), changed: make(chan struct{})}
	closes := opened.NotifyClose(make(chan *amqp.Error, 1))
	blocks := opened.NotifyBlocked(make(chan amqp.Blocking, 4))
	go c.watch(closes, blocks)
	return c
}

// watch follows the alarms of the broker until the connection ends.
func (c *conn) watch(closes <-chan *amqp.Error, blocks <-chan amqp.Blocking) {
	for b := range blocks {
		alarm := ""
		if b.Active {
			alarm = "low on memory or disk"
			if b.Reason != "" {
				alarm = b.Reason
			}
		}
		c.set(func() { c.alarm = alarm })
	}
	reason := <-closes
	c.set(func() { c.closing, c.alarm = reason, "" })
	close(c.ended)
}

func (c *conn) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

// blocked returns why the broker has blocked the connection, or "", and a channel
// that is closed when that changes.
func (c *conn) blocked() (alarm string, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.alarm, c.changed
}

// isLost reports whether the connection has ended.
func (c *conn) isLost() bool { return c.amqp.IsClosed() || c.wire.reason() != nil }

// awaitUnblocked waits while the broker has an alarm. The wait ends with the context, and at
// the latest after the time for an answer.
func (c *conn) awaitUnblocked(ctx context.Context) error {
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	for {
		alarm, changed := c.blocked()
		if alarm == "" {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return &alarmError{alarm, os.ErrDeadlineExceeded}
		case <-ctx.Done():
			return &alarmError{alarm, ctx.Err()}
		}
	}
}

// overdue returns the error for an answer that did not come in time.
func (c *conn) overdue(cause error) error {
	if alarm, _ := c.blocked(); alarm != "" {
		return &alarmError{alarm, cause}
	}
	return cause
}

// A guard bounds calls of the client library: it closes the connection when the
// context ends, or when no answer came in time.
type guard struct {
	conn  *conn
	timer *time.Timer
	stop  func() bool
}

func (c *conn) guard(ctx context.Context) *guard {
	return &guard{
		conn:  c,
		timer: time.AfterFunc(c.timeout, func() { c.wire.kill(c.overdue(os.ErrDeadlineExceeded)) }),
		stop:  context.AfterFunc(ctx, func() { c.wire.kill(c.overdue(ctx.Err())) }),
	}
}

// progressed restarts the time for an answer.
func (g *guard) progressed() { g.timer.Reset(g.conn.timeout) }

func (g *guard) end() {
	g.timer.Stop()
	g.stop()
}

// why returns the reason for an error of the client library. It is the answer of the broker,
// or how the connection ended.
func (c *conn) why(err error) error {
	var answer *amqp.Error
	if err == nil || errors.As(err, &answer) && answer.Server {
		return err
	}
	if !c.isLost() {
		return err
	}
	_ = c.wire.raw.Close() // so that the client library stops
	<-c.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil && c.closing.Server {
		return c.closing
	}
	if reason := c.wire.reason(); reason != nil {
		return reason
	}
	return err
}

// abort ends the connection without AMQP's closing handshake.
func (c *conn) abort() {
	c.wire.kill(amqp.ErrClosed)
	<-c.ended
}

// leave ends the connection. It does not wait for the broker if the context has ended.
func (c *conn) leave(ctx context.Context) {
	if ctx.Err() != nil {
		c.abort()
		return
	}
	c.close()
}

// closeTimeout is how long the broker may take to answer the closing handshake.
const closeTimeout = 2 * time.Second

// close ends the connection. The broker puts unacknowledged messages back.
func (c *conn) close() {
	if alarm, _ := c.blocked(); alarm == "" && !c.isLost() {
		_ = c.amqp.CloseDeadline(time.Now().Add(min(c.timeout, closeTimeout))) // the connection is marked as closed in any case
	}
	c.abort()
}
