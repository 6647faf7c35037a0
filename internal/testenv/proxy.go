package testenv

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A Proxy is a TCP proxy in front of a server. The test makes it fail by its methods.
// Unless its comment says otherwise, a method affects both open and later connections.
type Proxy struct {
	listener     net.Listener
	done         sync.WaitGroup
	requestLimit atomic.Int64 // see LimitRequests

	mu        sync.Mutex
	target    string
	changed   *sync.Cond // of mu: blackhole or closed changed
	conns     map[net.Conn]struct{}
	delay     time.Duration
	atCut     func()
	blackhole bool
	refuse    bool
	closed    bool
	cuts      int
	toServer  direction
	toClient  direction
	sql       *sqlFaults // nil unless NewSQLProxy started the proxy
}

// A direction counts the bytes of all connections in one direction.
type direction struct {
	bytes int64 // bytes that passed
	cut   int64 // bytes that may pass before the next cut; negative: no cut
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
	p := &Proxy{target: target, listener: l, conns: map[net.Conn]struct{}{}, atCut: func() {}, toServer: direction{cut: -1}, toClient: direction{cut: -1}, sql: sql}
	p.requestLimit.Store(-1)
	p.changed = sync.NewCond(&p.mu)
	p.done.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr returns host:port of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Delay delays each piece of data that the proxy reads, in both directions. 0
// ends the delay.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// CutAfter lets this number of bytes from clients pass, counted over all
// connections. Then it resets the connection with the next byte, possibly in the
// middle of a message. It cuts one connection. Each further cut needs another
// call. A negative number cancels the cut.
func (p *Proxy) CutAfter(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toServer.cut = bytes
}

// CutAnswersAfter is CutAfter for the bytes from the server. The server then
// carries out a request whose answer the client does not receive.
func (p *Proxy) CutAnswersAfter(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toClient.cut = bytes
}

// AtCut sets a function that is called when a connection is cut, also by
// LimitRequests, before its client can notice.
func (p *Proxy) AtCut(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.atCut = f
}

// cutFunc calls the function of AtCut.
func (p *Proxy) cutFunc() {
	p.mu.Lock()
	f := p.atCut
	p.mu.Unlock()
	f()
}

// Blackhole holds all data back while it is on, like a network that drops all
// packets. Connections are accepted and stay open. The data passes when Blackhole
// is switched off.
func (p *Proxy) Blackhole(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blackhole = on
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

// Switch connects later clients to another server, and resets the open
// connections, as HAProxy and a Kubernetes service do after a switch-over.
func (p *Proxy) Switch(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	for c := range p.conns {
		reset(c)
	}
}

// Bytes returns the number of bytes from clients that reached the server.
func (p *Proxy) Bytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.toServer.bytes
}

// Redirect connects later clients to another server, and leaves open connections
// unchanged, as a load balancer does that ends no sessions.
func (p *Proxy) Redirect(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Clients returns the number of open connections of clients.
func (p *Proxy) Clients() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns) / 2 // each client has a connection to the server
}

// Cuts returns the number of connections that CutAfter and CutAnswersAfter cut.
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
	limiter := &requestLimiter{limit: &p.requestLimit, client: client, server: server, cut: p.cutFunc}
	requests, answers = limiter.requests(requests), limiter.answers(answers)
	var group sync.WaitGroup
	group.Go(func() { p.pump(client, server, answers, &p.toClient) })
	p.pump(server, client, requests, &p.toServer)
	group.Wait()
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
		p.forget(server) // Switch was called meanwhile, and may have missed this connection
	}
}

// admit registers a connection, so that it can be reset. If the proxy refuses
// connections, admit closes it and returns false.
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

// pump copies one direction of a connection until source ends. Then it closes the
// write side of the connection to. source reads from the connection from.
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

// open waits while Blackhole is on. It returns false once the proxy is closed.
func (p *Proxy) open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.blackhole && !p.closed {
		p.changed.Wait()
	}
	return !p.closed
}

// allow counts n bytes and returns how many of them may pass. If the connection
// is to be cut after these bytes, cut is the function to call then. Otherwise cut is nil.
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

// reset closes a connection with a TCP reset.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may be closed
	}
	c.Close()
}
