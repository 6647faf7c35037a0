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

// A CommitFault is what happens to a COMMIT on its way through a proxy that
// NewSQLProxy started.
type CommitFault struct {
	Kind CommitKind
	// Code is the error that the client is told by RolledBack and Committed: a
	// SQLSTATE for PostgreSQL ("40001"), a number and a SQLSTATE for MySQL
	// ("1213 (40001)").
	Code string
}

// A CommitKind says what the server does, and what the client learns of it.
type CommitKind int

const (
	// RolledBack has the server roll back, and the client told an error.
	RolledBack CommitKind = iota
	// Committed has the server commit, and the client told an error.
	Committed
	// CutBefore cuts the connection before the COMMIT reaches the server, which
	// therefore rolls back.
	CutBefore
	// CutAfter has the server commit, and cuts the connection instead of the answer.
	CutAfter
	// Unanswered has the server commit, and withholds the answer while the
	// connection stays open.
	Unanswered
)

// String implements fmt.Stringer.
func (k CommitKind) String() string {
	return [...]string{"rolled back", "committed", "cut before", "cut after", "unanswered"}[k]
}

// sqlFaults are the faults of a proxy that understands the protocol of a database.
type sqlFaults struct {
	dialogue func() sqlDialogue

	mu     sync.Mutex
	fault  CommitFault
	left   int // COMMITs that fail from now on
	failed int
}

// A sqlDialogue cuts one connection's bytes into messages, and knows those of a
// COMMIT. Requests and answers are read by a goroutine each.
type sqlDialogue interface {
	readRequest(r *bufio.Reader) ([]byte, error)
	readAnswer(r *bufio.Reader) ([]byte, error)
	isCommit(request []byte) bool
	// rollback returns the request with ROLLBACK in the place of COMMIT.
	rollback(request []byte) []byte
	// outcome tells whether an answer says that a statement without rows has ended.
	outcome(answer []byte) bool
	// failure returns what the server would have said instead of the outcome.
	failure(outcome []byte, code string) []byte
}

// NewSQLProxy starts a proxy in front of the server of a connection string,
// and returns the connection string through it. FailCommits tells it which
// COMMITs fail. It does not understand TLS.
func NewSQLProxy(t testing.TB, at string) (p *Proxy, through string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(errors.Unwrap(err))
	}
	faults := &sqlFaults{dialogue: func() sqlDialogue { return &mysqlDialogue{} }}
	if strings.HasPrefix(u.Scheme, "postgresql") {
		faults.dialogue = func() sqlDialogue { return &postgreSQLDialogue{} }
	}
	p = newProxy(t, u.Host, faults)
	u.Host = p.Addr()
	return p, u.String()
}

// FailCommits has a fault happen to the next n COMMITs, whichever connections
// they come by.
func (p *Proxy) FailCommits(n int, f CommitFault) {
	p.sql.mu.Lock()
	defer p.sql.mu.Unlock()
	p.sql.fault, p.sql.left, p.sql.failed = f, n, 0
}

// FailedCommits is how many COMMITs have failed since FailCommits.
func (p *Proxy) FailedCommits() int {
	p.sql.mu.Lock()
	defer p.sql.mu.Unlock()
	return p.sql.failed
}

// next returns the fault of a COMMIT that has come; nil: it passes.
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

// watch returns what is to be sent to the server and to the client of a connection.
func (f *sqlFaults) watch(client, server net.Conn) (requests, answers io.Reader) {
	w := &sqlWatch{faults: f, dialogue: f.dialogue(), client: client, server: server,
		fromClient: bufio.NewReader(client), fromServer: bufio.NewReader(server)}
	return &messageReader{next: w.request}, &messageReader{next: w.answer}
}

// A sqlWatch reads the messages of one connection, and puts faults in.
type sqlWatch struct {
	faults                 *sqlFaults
	dialogue               sqlDialogue
	client, server         net.Conn
	fromClient, fromServer *bufio.Reader
	pending                atomic.Pointer[CommitFault] // of the COMMIT that the server has to answer
}

func (w *sqlWatch) request() ([]byte, error) {
	m, err := w.dialogue.readRequest(w.fromClient)
	if err != nil || !w.dialogue.isCommit(m) {
		return m, err
	}
	fault := w.faults.next()
	switch {
	case fault == nil:
		return m, nil
	case fault.Kind == CutBefore:
		return nil, w.cut()
	case fault.Kind == RolledBack:
		m = w.dialogue.rollback(m)
	}
	w.pending.Store(fault)
	return m, nil
}

func (w *sqlWatch) answer() ([]byte, error) {
	m, err := w.dialogue.readAnswer(w.fromServer)
	fault := w.pending.Load()
	if err != nil || fault == nil || !w.dialogue.outcome(m) {
		return m, err
	}
	w.pending.Store(nil)
	switch fault.Kind {
	case CutAfter:
		return nil, w.cut()
	case Unanswered:
		_, err := io.Copy(io.Discard, w.fromServer) // until the client gives up, which ends the session
		return nil, errors.Join(err, io.EOF)
	}
	return w.dialogue.failure(m, fault.Code), nil
}

func (w *sqlWatch) cut() error {
	reset(w.server)
	reset(w.client)
	return net.ErrClosed
}

// A messageReader reads messages, one after another.
type messageReader struct {
	next func() ([]byte, error)
	rest []byte // of the message that is being read
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
