package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// bashCompletion contains the functions that cobra's script for bash calls.
const bashCompletion = "/usr/share/bash-completion/bash_completion"

// A shell is an interactive shell that can complete commands of osp.
type shell struct {
	name  string
	args  []string
	setUp string // command lines that load osp's completion
	tabs  string // the keys that list all candidates
}

var shells = []shell{
	{"bash", []string{"--norc", "--noprofile", "-i"}, "source " + bashCompletion + "; source <(osp completion bash); " +
		"bind 'set completion-query-items 0'; bind 'set page-completions off'; bind 'set bell-style none'", "\t\t"},
	{"zsh", []string{"-f", "-i"}, "autoload -U compinit; compinit -u -D; setopt noautomenu; LISTMAX=9999; source <(osp completion zsh)", "\t"},
	{"fish", []string{"--no-config", "-i"}, "osp completion fish | source", "\t"},
}

// A session is a shell that runs on a terminal of its own.
type session struct {
	t        *testing.T
	terminal *os.File
	mark     string // a file that exists if a command of an attacker ran

	mu     sync.Mutex
	screen bytes.Buffer // the output of the shell
	wrote  chan struct{}
}

// start starts the shell in the folder dir with osp's completion loaded.
func (s shell) start(t *testing.T, dir, mark string, env ...string) *session {
	t.Helper()
	path := testenv.Tool(t, s.name, s.name)
	if s.name == "bash" {
		testenv.Tool(t, bashCompletion, "bash-completion")
	}
	cmd := exec.Command(path, s.args...)
	cmd.Dir = dir
	cmd.Env = append(cleanEnv(), "PATH="+filepath.Dir(ospBinary)+":"+os.Getenv("PATH"), "HOME="+t.TempDir(), "TERM=xterm", "PS1=$ ")
	cmd.Env = append(cmd.Env, env...)
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 200, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	c := &session{t: t, terminal: terminal, mark: mark, wrote: make(chan struct{}, 1)}
	go c.read() // ends when no process has the terminal open
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		terminal.Close()
	})
	c.send(s.setUp + "\r")
	c.send("echo rea''dy\r")
	c.await("ready")
	return c
}

// next moves the shell to another folder, with another mark, for another test, because this
// takes less time than starting a shell.
func (c *session) next(t *testing.T, dir, mark string, env ...string) {
	t.Helper()
	c.t, c.mark = t, mark
	c.send("\x15cd " + dir + "\r")
	for _, variable := range env {
		c.send("export " + variable + "\r")
	}
	c.send("echo rea''dy\r")
	c.await("ready")
}

func (c *session) read() {
	text := make([]byte, 1<<16)
	for {
		n, err := c.terminal.Read(text)
		c.mu.Lock()
		c.screen.Write(text[:n])
		c.mu.Unlock()
		select {
		case c.wrote <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (c *session) send(keys string) {
	c.t.Helper()
	if _, err := c.terminal.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

func (c *session) written() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.String()
}

// await waits until the shell has written all these texts, and then discards the
// output. It fails as soon as a command of an attacker ran.
func (c *session) await(texts ...string) (screen string) {
	c.t.Helper()
	screen, ok := c.wait(time.Minute, texts...)
	if !ok {
		c.t.Fatalf("the shell did not write %q, but %q", texts, screen)
	}
	return screen
}

// complete types keys at an empty command line and waits for all these texts. If they do not
// appear, it tries again, because osp offers only the ids that it reads in half a second, and
// there may be no such ids while other tests run.
func (c *session) complete(keys string, texts ...string) (screen string) {
	c.t.Helper()
	for range 12 {
		var ok bool
		c.send("\x15" + keys)
		if screen, ok = c.wait(5*time.Second, texts...); ok {
			return screen
		}
	}
	c.t.Fatalf("the shell did not write %q after %q, but %q", texts, keys, screen)
	return ""
}

func (c *session) wait(most time.Duration, texts ...string) (screen string, ok bool) {
	c.t.Helper()
	tooLong := time.After(most)
	look := time.NewTicker(50 * time.Millisecond) // a command may run without any output
	defer look.Stop()
	for {
		c.harmless()
		screen = c.written()
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(screen, text) }) {
			c.mu.Lock()
			c.screen.Next(len(screen))
			c.mu.Unlock()
			return screen, true
		}
		select {
		case <-c.wrote:
		case <-look.C:
		case <-tooLong:
			return screen, false
		}
	}
}

// harmless fails the test if a command of an attacker ran.
func (c *session) harmless() {
	c.t.Helper()
	if _, err := os.Stat(c.mark); !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatalf("a command of the attacker ran (%v); the screen is %q", err, c.written())
	}
}
