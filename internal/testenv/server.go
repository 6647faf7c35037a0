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
	"sync"
	"syscall"
	"testing"
	"time"
)

// A program describes one kind of server: how to prepare its folder, how to start
// the server, and how to check that it answers.
type program struct {
	name    string
	account string                 // the account that runs it if we are root, because some servers refuse to run as root; "" is our own
	disk    Disk                   // the disk for its data; the zero Disk stands for its folder
	rabbit  *rabbitNode            // the node of RabbitMQ; nil for other servers
	group   string                 // host:port for the other nodes of a Galera cluster; "" for other servers
	signal  string                 // the signal that ends it at once and leaves nothing behind
	prepare func(p *process) error // runs once, before the first start; may be nil
	command func(p *process) []string
	ready   func(ctx context.Context, addr string) error
	url     func(p *process, addr string) string // the connection string for an address; may be nil
	slow    bool                                 // it may take three times as long to answer
}

// patience is the longest time that a server may take to answer. The machine may
// be busy with other tests.
const patience = time.Minute

// A process is one server with its folder and port. A restart keeps both.
type process struct {
	program
	dir   string
	port  int
	guard *guard
}

func (p *process) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

func (p *process) path(name string) string { return filepath.Join(p.dir, name) }

// data returns the folder for the data of the server. The log is in another
// folder, so that the server can write it while the test's disk is full.
func (p *process) data() string {
	if p.disk.Dir != "" {
		return filepath.Join(p.disk.Dir, filepath.Base(p.dir))
	}
	return p.path("data")
}

// prepareFolders creates the folders of the server and their contents.
func (p *process) prepareFolders() error {
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

// launch starts a server on a free port in a folder of its own. It tries another
// port if another process takes the first one in the meantime.
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
	if err = p.prepareFolders(); err != nil {
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
	limit := patience
	if p.slow {
		limit *= 3
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err = p.await(ctx)
	if !g.alive() { // another server on this port answered
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

// tail returns the end of a log in one line.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}

// A Server is the server of a single test, which may break it. The server ends
// with the test.
type Server struct {
	t testing.TB
	p *process
}

// start is launch for a test.
func start(t testing.TB, r *Resource, pr func() (program, error), d Disk) *Server {
	t.Helper()
	program, err := pr()
	if err != nil {
		r.skipOrFail(t, err)
		return nil
	}
	program.disk = d
	p, err := launch(program)
	if err != nil {
		t.Fatal(err)
	}
	return endWith(t, p)
}

// endWith returns the server of a process, and ends it with the test.
func endWith(t testing.TB, p *process) *Server {
	t.Cleanup(func() {
		if err := p.end(); err != nil {
			t.Error(err)
		}
	})
	return &Server{t: t, p: p}
}

// startAll starts several servers for a test at the same time.
func startAll(t testing.TB, r *Resource, programs ...func() (program, error)) []*Server {
	t.Helper()
	servers, errs := make([]*Server, len(programs)), make([]error, len(programs))
	var all sync.WaitGroup
	for i, pr := range programs {
		program, err := pr()
		if err != nil {
			r.skipOrFail(t, err)
			return nil
		}
		all.Go(func() {
			var p *process
			if p, errs[i] = launch(program); errs[i] == nil {
				servers[i] = endWith(t, p)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return servers
}

// Addr returns host:port. A restart does not change it.
func (s *Server) Addr() string { return s.p.addr() }

// Dir returns the server's folder. A restart does not change it.
func (s *Server) Dir() string { return s.p.dir }

// Log returns the end of the server's log.
func (s *Server) Log() string { return tail(s.p.path("log")) }

// Alive reports whether the server runs. Some servers end by themselves when their
// disk is full.
func (s *Server) Alive() bool { return s.p.guard.alive() }

// Kill ends the server and its children by SIGKILL, like a crash.
func (s *Server) Kill() {
	s.t.Helper()
	s.must(s.p.guard.kill())
}

// Stop halts the server and its children by SIGSTOP. Connections stay open, but
// nothing answers.
func (s *Server) Stop() {
	s.t.Helper()
	s.must(s.p.guard.halt())
}

// Continue resumes the server after Stop.
func (s *Server) Continue() {
	s.t.Helper()
	s.must(s.p.guard.resume())
}

// Signal sends a signal to the server, such as the SIGTERM of a service manager.
// The server may run on for a while.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	s.must(s.p.guard.signalServer(sig))
}

// Restart starts the server again on its port and with its data, and waits until
// it answers. If the server still runs, Restart kills it first.
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
