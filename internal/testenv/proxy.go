package testenv

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A Proxy is a TCP proxy in front of a server, which a test tells how to fail.
// What it is told holds for the connections there are and for those to come.
type Proxy struct {
	listener     net.Listener
	done         sync.WaitGroup
	requestLimit atomic.Int64 // see LimitRequests

	mu      sync.Mutex
	target  string
	changed *sync.Cond // mu: hole or closed
	conns   map[net.Conn]struct{}
	delay   time.Duration
	atCut   func()
	hole    bool
	refuse  bool
	closed  bool
	cuts    int
	there   direction  // from clients
	back    direction  // from the server
	sql     *sqlFaults // of a proxy that NewSQLProxy started; else nil
}

// A direction is one of the two in which bytes go.
type direction struct {
	bytes int64 // that passed
	cut   int64 // bytes until the cut, or negative
}

// NewProxy starts a proxy to host:port. It ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	return newProxy(t, target, nil)
}

func newProxy(t testing.TB, target string, sql *sqlFaults) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: target, listener: l, conns: map[net.Conn]struct{}{}, atCut: func() {}, there: direction{cut: -1}, back: direction{cut: -1}, sql: sql}
	p.requestLimit.Store(-1)
	p.changed = sync.NewCond(&p.mu)
	p.done.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr is host:port of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Delay holds back everything that the client sends and everything that the
// server answers for so long, per piece that is read; 0 ends it.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// CutAfter lets so many more bytes from clients pass, of all connections
// together, and then resets the connection that brings the next one, in the
// middle of a message if it comes so. It does so once: call it again for the next cut,
// or with a negative number to have none.
func (p *Proxy) CutAfter(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.there.cut = bytes
}

// CutAnswersAfter is CutAfter for what the server answers. So a request is
// carried out of which the client learns nothing.
func (p *Proxy) CutAnswersAfter(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.back.cut = bytes
}

// AtCut has f called when a connection is cut, before its client can notice.
func (p *Proxy) AtCut(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.atCut = f
}

// Blackhole holds everything back while it is on: connections are accepted and
// stay open, and what is sent waits, as on a network that drops all packets.
// Once it is off, all goes on.
func (p *Proxy) Blackhole(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole = on
	p.changed.Broadcast()
}

// Refuse closes new connections at once while it is on.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// Reset resets all connections that are open now.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
}

// Switch hands the connections that come later to another server, and resets
// those that are open, as HAProxy and a Kubernetes service do after a
// switch-over.
func (p *Proxy) Switch(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	for c := range p.conns {
		reset(c)
	}
}

// Bytes is how many bytes of clients have reached the server.
func (p *Proxy) Bytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.there.bytes
}

// Redirect hands the connections that come later to another server, and leaves
// those that are open where they are, as a balancer does that ends no sessions.
func (p *Proxy) Redirect(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Clients is how many connections of clients are open.
func (p *Proxy) Clients() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns) / 2 // each has one to the server
}

// Cuts is how many connections were cut by CutAfter and CutAnswersAfter.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *Proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	for c := range p.conns {
		reset(c)
	}
	p.mu.Unlock()
	p.done.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.done.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	if !p.admit(client) {
		return
	}
	defer p.forget(client)
	if !p.open() {
		return
	}
	server := p.dial()
	if server == nil {
		reset(client)
		return
	}
	defer p.forget(server)
	requests, answers := io.Reader(client), io.Reader(server)
	if p.sql != nil {
		requests, answers = p.sql.watch(client, server)
	}
	limit := &limited{limit: &p.requestLimit, client: client, server: server}
	requests, answers = limit.requests(requests), limit.answers(answers)
	var back sync.WaitGroup
	back.Go(func() { p.pump(client, server, answers, &p.back) })
	p.pump(server, client, requests, &p.there)
	back.Wait()
}

// dial connects to the server. It returns nil if the server cannot be reached.
func (p *Proxy) dial() net.Conn {
	for {
		p.mu.Lock()
		target := p.target
		p.mu.Unlock()
		server, err := net.Dial("tcp", target)
		if err != nil || !p.admit(server) {
			return nil
		}
		p.mu.Lock()
		current := p.target == target
		p.mu.Unlock()
		if current {
			return server
		}
		p.forget(server) // Switch came between: the connection may have missed its reset
	}
}

// admit notes a connection, so that it can be reset; or closes it.
func (p *Proxy) admit(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		reset(c)
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

// pump carries one direction, as source reads it from a connection, until it
// ends, and then closes what it wrote to.
func (p *Proxy) pump(to, from net.Conn, source io.Reader, d *direction) {
	buf := make([]byte, 16<<10)
	for {
		n, err := source.Read(buf)
		if n > 0 {
			p.wait()
			if !p.open() {
				return
			}
			allowed, cut := p.allow(d, n)
			if _, werr := to.Write(buf[:allowed]); werr != nil || cut != nil {
				if cut != nil {
					cut()
				}
				reset(to)
				reset(from)
				return
			}
		}
		if err != nil {
			half, ok := to.(*net.TCPConn)
			if ok {
				_ = half.CloseWrite() // it may be gone
			}
			return
		}
	}
}

func (p *Proxy) wait() {
	p.mu.Lock()
	d := p.delay
	p.mu.Unlock()
	time.Sleep(d)
}

// open waits while the black hole is on, and tells whether the proxy goes on.
func (p *Proxy) open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.hole && !p.closed {
		p.changed.Wait()
	}
	return !p.closed
}

// allow counts bytes, and tells how many of them may pass before the cut, and
// what to do at it; nil: there is none.
func (p *Proxy) allow(d *direction, n int) (allowed int, cut func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	allowed = n
	if d.cut >= 0 && d.cut < int64(n) {
		allowed, cut = int(d.cut), p.atCut
		d.cut = -1
		p.cuts++
	} else if d.cut >= 0 {
		d.cut -= int64(n)
	}
	d.bytes += int64(allowed)
	return allowed, cut
}

// reset closes a connection without a goodbye.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may be closed
	}
	c.Close()
}
