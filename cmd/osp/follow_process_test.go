package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A followProcess is osp forward --follow in a process of its own.
type followProcess struct {
	t   *testing.T
	cmd *exec.Cmd

	mu    sync.Mutex
	lines bytes.Buffer // the lines of stderr
	done  chan struct{}
	news  chan struct{}
}

// startFollow starts a relay in the folder dir.
func startFollow(t *testing.T, dir string, env []string, args ...string) *followProcess {
	t.Helper()
	p := &followProcess{t: t, done: make(chan struct{}), news: make(chan struct{}, 1)}
	p.cmd = exec.Command(ospBinary, append([]string{"forward"}, args...)...)
	p.cmd.Dir, p.cmd.Env = dir, append(cleanEnv(), env...)
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			p.lines.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			select {
			case p.news <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		_ = p.cmd.Wait()
	})
	return p
}

// stderr returns what the relay has written so far.
func (p *followProcess) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines.String()
}

// await waits until the log has a text, and returns the log.
func (p *followProcess) await(text string) string {
	p.t.Helper()
	deadline := time.After(3 * time.Minute)
	for {
		if log := p.stderr(); strings.Contains(log, text) {
			return log
		}
		select {
		case <-p.news:
		case <-time.After(100 * time.Millisecond):
		case <-deadline:
			p.t.Fatalf("the relay does not say %q:\n%s", text, p.stderr())
		}
	}
}

// stop stops the relay by a signal, and returns its exit code.
func (p *followProcess) stop(signal os.Signal) (code int) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	return p.wait()
}

func (p *followProcess) wait() (code int) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(3 * time.Minute):
		p.t.Fatalf("the relay does not end:\n%s", p.stderr())
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// stopped stops the relay by SIGTERM, and fails the test if the relay has lost something.
func (p *followProcess) stopped() string {
	p.t.Helper()
	if code := p.stop(syscall.SIGTERM); code != exitDone || !strings.Contains(p.stderr(), "the relay has stopped") {
		p.t.Errorf("exit code %d:\n%s", code, p.stderr())
	}
	return p.stderr()
}

var listening = regexp.MustCompile(`OTLP/HTTP at (127\.0\.0\.1:\d+)`)

// startListener starts a relay from OTLP/HTTP to a store, and returns the address.
func startListener(t *testing.T, dir, to string) (p *followProcess, address string) {
	t.Helper()
	p = startFollow(t, dir, nil, "--follow", "--from", "otlp+http://127.0.0.1:0", "--to", to, "--listen", "none")
	found := listening.FindStringSubmatch(p.await("the relay runs"))
	if found == nil {
		t.Fatalf("no address:\n%s", p.stderr())
	}
	return p, "otlp+http://" + found[1]
}

// appendTo appends a text to a file.
func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fileLines returns the lines of a file, or none if there is no file.
func fileLines(t *testing.T, dir, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// until waits until a condition is true.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within three minutes: %s", what)
		}
	}
}
