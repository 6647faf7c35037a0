package otlpreceiver

import (
	"net"
	"sync"
	"sync/atomic"
)

// connections is a listener that can close the connections it has accepted. This is needed
// because the servers of net/http and of gRPC wait for connections that have sent nothing
// yet.
type connections struct {
	net.Listener

	perHost int                        // connections of one host
	refused func(remoteAddress string) // is called with the address of each connection over that limit

	mu     sync.Mutex
	open   map[*connection]struct{}
	ofHost map[string]int
	ending bool
}

func newConnections(l net.Listener, perHost int, refused func(string)) *connections {
	return &connections{Listener: l, perHost: perHost, refused: refused, open: map[*connection]struct{}{}, ofHost: map[string]int{}}
}

// Accept implements net.Listener. It closes connections of hosts that have too many.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		own, ending := c.add(conn)
		switch {
		case own == nil:
			_ = conn.Close()
			c.refused(conn.RemoteAddr().String())
			continue
		case ending:
			_ = own.Close()
		}
		return own, nil
	}
}

// add notes a connection. It returns nil if the host has too many.
func (c *connections) add(conn net.Conn) (own *connection, ending bool) {
	host, _ := hostOf(conn.RemoteAddr().String())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ofHost[host] >= c.perHost {
		return nil, false
	}
	c.ofHost[host]++
	own = &connection{Conn: conn, listener: c, host: host}
	c.open[own] = struct{}{}
	return own, c.ending
}

// end closes the connections that have sent nothing, or, with all set, all of them.
func (c *connections) end(all bool) {
	c.mu.Lock()
	c.ending = true
	var closing []*connection
	for conn := range c.open {
		if all || !conn.spoken.Load() {
			closing = append(closing, conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range closing {
		_ = conn.Close()
	}
}

type connection struct {
	net.Conn

	listener *connections
	host     string
	spoken   atomic.Bool // the client has sent something
}

// Read implements net.Conn.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.spoken.Store(true)
	}
	return n, err
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.listener.mu.Lock()
	if _, open := c.listener.open[c]; open {
		delete(c.listener.open, c)
		if c.listener.ofHost[c.host]--; c.listener.ofHost[c.host] == 0 {
			delete(c.listener.ofHost, c.host)
		}
	}
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
