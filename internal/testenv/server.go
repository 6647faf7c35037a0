package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A program is what there is to know of one kind of server: how its folder is
// prepared, how it is started, and how one sees that it answers.
type program struct {
	name    string
	account string                 // whom it runs as if we are root, which some refuse to be; "" is ourselves
	disk    Disk                   // where its data lies; none: in its folder
	group   string                 // host:port where other nodes of a Galera cluster reach it; "" for other servers
	signal  string                 // which ends it without delay and leaves nothing behind
	prepare func(p *process) error // once, before its first start; may be nil
	command func(p *process) []string
	ready   func(ctx context.Context, addr string) error
}

// patience is how long a server may take to answer, on a machine that is busy
// with other tests.
const patience = time.Minute

// A process is one server with its folder and port, which outlive a restart.
type process struct {
	program
	dir   string
	port  int
	guard *guard
}

func (p *process) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

func (p *process) path(name string) string { return filepath.Join(p.dir, name) }

// data is the folder of what the server keeps. Its log lies elsewhere, so that
// it can be written when a disk of the test's is full.
func (p *process) data() string {
	if p.disk.Dir != "" {
		return filepath.Join(p.disk.Dir, filepath.Base(p.dir))
	}
	return p.path("data")
}

// prepared makes the folders of the server and what has to be in them.
func (p *process) prepared() error {
	if err := ownedBy(p.account, p.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(p.data(), 0o700); err != nil {
		return err
	}
	if err := ownedBy(p.account, p.data()); err != nil || p.prepare == nil {
		return err
	}
	return p.prepare(p)
}

// launch starts a server on a free port in a folder of its own. If another
// process takes the port in the meantime, it tries the next one.
func launch(pr program) (p *process, err error) {
	for range 3 {
		if p, err = launchOnce(pr); !errors.Is(err, errExited) {
			break
		}
	}
	return p, err
}

func launchOnce(pr program) (*process, error) {
	p := &process{program: pr}
	var err error
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	if p.dir, err = os.MkdirTemp("", "osp-"+strings.ToLower(pr.name)+"-"); err != nil {
		return nil, err
	}
	if err = p.prepared(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.dir))
	}
	if err = p.start(); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

var errExited = errors.New("it ended at once")

// start starts the server, or starts it again, and waits until it answers.
func (p *process) start() error {
	g, err := startGuard(p.account, p.dir, p.signal, p.command(p)...)
	if err != nil {
		return err
	}
	p.guard = g
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = p.await(ctx)
	if !g.alive() { // the one that answered was another
		err = errExited
	}
	if err != nil {
		return fmt.Errorf("%s did not start on %s: %w: %s", p.name, p.addr(), err, tail(p.path("log")))
	}
	return nil
}

func (p *process) await(ctx context.Context) error {
	for {
		err := p.ready(ctx, p.addr())
		if err == nil || !p.guard.alive() || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// end ends the server and removes its folder.
func (p *process) end() error {
	if p.guard == nil {
		return os.RemoveAll(p.dir)
	}
	return p.guard.end(false)
}

// tail is the end of a log in one line.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}

// A Server is a server of one test's own, which may do with it as it likes. It
// ends with the test.
type Server struct {
	t testing.TB
	p *process
}

// start is launch for a test.
func start(t testing.TB, r *Resource, pr func() (program, error), d Disk) *Server {
	t.Helper()
	program, err := pr()
	if err != nil {
		r.lacks(t, err)
		return nil
	}
	program.disk = d
	p, err := launch(program)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, p: p}
	t.Cleanup(func() {
		if err := p.end(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Addr is host:port, the same after a restart.
func (s *Server) Addr() string { return s.p.addr() }

// Dir is the server's folder, which is kept while it restarts.
func (s *Server) Dir() string { return s.p.dir }

// Log is the end of what the server wrote to its log.
func (s *Server) Log() string { return tail(s.p.path("log")) }

// Alive tells whether the server runs: one whose disk is full may end by itself.
func (s *Server) Alive() bool { return s.p.guard.alive() }

// Kill ends the server and its children by SIGKILL, as a crash does.
func (s *Server) Kill() {
	s.t.Helper()
	s.must(s.p.guard.kill())
}

// Stop halts the server and its children by SIGSTOP: connections stay open, and
// nothing answers.
func (s *Server) Stop() {
	s.t.Helper()
	s.must(s.p.guard.halt())
}

// Continue ends what Stop began.
func (s *Server) Continue() {
	s.t.Helper()
	s.must(s.p.guard.resume())
}

// Signal sends a signal to the server, such as the one by which a service
// manager asks it to shut down. The server may go on for a while.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	s.must(s.p.guard.tell(sig))
}

// Restart starts the server again on its port and with its data, and waits
// until it answers. One that still runs is killed first.
func (s *Server) Restart() {
	s.t.Helper()
	s.must(s.p.guard.kill())
	s.must(s.p.guard.end(true))
	s.must(s.p.start())
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
