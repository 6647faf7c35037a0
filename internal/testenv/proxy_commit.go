package testenv

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A CommitFault describes how a proxy of NewSQLProxy makes a COMMIT fail.
type CommitFault struct {
	Kind CommitKind
	// Code is the error that the client receives for RolledBack and Committed: a
	// SQLSTATE for PostgreSQL ("40001"), a number and a SQLSTATE for MySQL
	// ("1213 (40001)").
	Code string
}

// A CommitKind describes what the server does, and what the client receives.
type CommitKind int

const (
	// RolledBack makes the server roll back. The client receives an error.
	RolledBack CommitKind = iota
	// Committed lets the server commit, but the client receives an error.
	Committed
	// CutBefore cuts the connection before the COMMIT reaches the server, so that
	// the server rolls back.
	CutBefore
	// CutAfter lets the server commit, and cuts the connection before the answer.
	CutAfter
	// Unanswered lets the server commit, and holds the answer back while the
	// connection stays open.
	Unanswered
)

// String implements fmt.Stringer.
func (k CommitKind) String() string {
	return [...]string{"rolled back", "committed", "cut before", "cut after", "unanswered"}[k]
}

// sqlFaults holds the faults of a proxy that understands the protocol of a database.
type sqlFaults struct {
	newProtocol func() sqlProtocol

	mu     sync.Mutex
	fault  CommitFault
	left   int // number of COMMITs that are still to fail
	failed int
}

// A sqlProtocol splits the bytes of one connection into messages, and recognizes
// COMMIT and its answer. One goroutine reads the requests, another the answers.
type sqlProtocol interface {
	readRequest(r *bufio.Reader) ([]byte, error)
	readAnswer(r *bufio.Reader) ([]byte, error)
	isCommit(request []byte) bool
	// rollback returns the request with ROLLBACK instead of COMMIT.
	rollback(request []byte) []byte
	// outcome reports whether an answer is the end of a statement without rows.
	outcome(answer []byte) bool
	// failure returns an error of the server to send instead of the outcome.
	failure(outcome []byte, code string) []byte
}

// NewSQLProxy starts a proxy in front of the server of a connection string, and
// returns the connection string of the same database through the proxy.
// [Proxy.FailCommits] makes COMMITs fail. The proxy does not understand TLS.
func NewSQLProxy(t testing.TB, at string) (p *Proxy, through string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(errors.Unwrap(err))
	}
	faults := &sqlFaults{newProtocol: func() sqlProtocol { return &mysqlProtocol{} }}
	if strings.HasPrefix(u.Scheme, "postgresql") {
		faults.newProtocol = func() sqlProtocol { return &postgreSQLProtocol{} }
	}
	p = newProxy(t, u.Host, faults)
	u.Host = p.Addr()
	return p, u.String()
}

// FailCommits makes the next n COMMITs fail, regardless of their connections.
func (p *Proxy) FailCommits(n int, f CommitFault) {
	p.sql.mu.Lock()
	defer p.sql.mu.Unlock()
	p.sql.fault, p.sql.left, p.sql.failed = f, n, 0
}

// FailedCommits returns the number of COMMITs that failed since FailCommits.
func (p *Proxy) FailedCommits() int {
	p.sql.mu.Lock()
	defer p.sql.mu.Unlock()
	return p.sql.failed
}

// next returns the fault for the next COMMIT, or nil if the COMMIT passes.
func (f *sqlFaults) next() *CommitFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 {
		return nil
	}
	f.left--
	f.failed++
	fault := f.fault
	return &fault
}

// watch returns the bytes to send to the server and to the client of a connection.
func (f *sqlFaults) watch(client, server net.Conn) (requests, answers io.Reader) {
	w := &sqlWatch{faults: f, protocol: f.newProtocol(), client: client, server: server,
		fromClient: bufio.NewReader(client), fromServer: bufio.NewReader(server)}
	return &messageReader{next: w.request}, &messageReader{next: w.answer}
}

// A sqlWatch reads the messages of one connection, and inserts faults.
type sqlWatch struct {
	faults                 *sqlFaults
	protocol               sqlProtocol
	client, server         net.Conn
	fromClient, fromServer *bufio.Reader
	pending                atomic.Pointer[CommitFault] // for the COMMIT that the server has not answered yet
}

func (w *sqlWatch) request() ([]byte, error) {
	m, err := w.protocol.readRequest(w.fromClient)
	if err != nil || !w.protocol.isCommit(m) {
		return m, err
	}
	fault := w.faults.next()
	switch {
	case fault == nil:
		return m, nil
	case fault.Kind == CutBefore:
		return nil, w.cut()
	case fault.Kind == RolledBack:
		m = w.protocol.rollback(m)
	}
	w.pending.Store(fault)
	return m, nil
}

func (w *sqlWatch) answer() ([]byte, error) {
	m, err := w.protocol.readAnswer(w.fromServer)
	fault := w.pending.Load()
	if err != nil || fault == nil || !w.protocol.outcome(m) {
		return m, err
	}
	w.pending.Store(nil)
	switch fault.Kind {
	case CutAfter:
		return nil, w.cut()
	case Unanswered:
		_, err := io.Copy(io.Discard, w.fromServer) // ends when the client gives up and the session ends
		return nil, errors.Join(err, io.EOF)
	}
	return w.protocol.failure(m, fault.Code), nil
}

func (w *sqlWatch) cut() error {
	reset(w.server)
	reset(w.client)
	return net.ErrClosed
}

// A messageReader reads messages one after another.
type messageReader struct {
	next func() ([]byte, error)
	rest []byte // the unread rest of the current message
}

// Read implements io.Reader.
func (r *messageReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		m, err := r.next()
		if err != nil {
			return 0, err
		}
		r.rest = m
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
