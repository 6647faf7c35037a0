//go:build unix

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The first signal stops the command with exit code 1, whatever the command waits for. None
// of the waits in this test ends by itself.
func TestTheFirstSignalEndsIt(t *testing.T) {
	t.Parallel()
	dir, report := t.TempDir(), savedTrace(t)
	store, _ := manyTraces(t, 5000) // its listing is more than a pipe holds
	fifo, pipe, locked := filepath.Join(dir, "fifo"), filepath.Join(dir, "pipe"), filepath.Join(dir, "locked.jsonl")
	makeFIFO(t, fifo)
	makeFIFO(t, pipe)
	openFile(t, pipe, os.O_RDWR) // now opening the pipe does not block, but reading and writing do
	writeFile(t, locked, "")
	if err := syscall.Flock(int(openFile(t, locked, os.O_RDWR).Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	silent := "redis://" + silentServer(t) + "/0?socket_timeout=3600"
	for _, args := range []string{
		"trace show " + fifo,
		"trace show " + pipe,
		"trace show /dev/stdin",
		"trace show " + report + " --out " + fifo,
		"trace list --limit 0 --connection-string " + store, // nobody reads its output
		"trace list --connection-string " + silent,
		"trace show b --connection-string " + silent,
		"forward --from " + silent + " --to " + store,
		"forward --from " + store + " --to " + silent,
		"forward --from " + store + " --to file://" + locked,
		"prune --older-than 1d --yes --connection-string " + silent,
		"prune --older-than 1d --yes --connection-string file://" + locked,
		"trace delete b --yes --connection-string " + silent,
		"check --timeout 1h --connection-string " + silent,
		"check --hmac-key k --headers " + fifo,
		"headers --hmac-key-file " + fifo,
		"headers --hmac-key-file " + pipe,
	} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			if code, stderr := signalled(t, dir, signal, strings.Fields(args)...); code != exitFailed || !strings.HasSuffix(stderr, "osp: interrupted\n") {
				t.Errorf("osp %s, %v: exit code %d, stderr %q", args, signal, code, stderr)
			}
		}
	}
}

func makeFIFO(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

func openFile(t *testing.T, path string, flags int) *os.File {
	t.Helper()
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// silentServer starts a server that accepts connections and never answers.
func silentServer(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// signalled runs the command, sends it one signal, and waits for its end. Its stdin
// and stdout are pipes that nobody writes to or reads from. If the signal came before
// the command listened to signals, signalled runs the command again.
func signalled(t *testing.T, dir string, signal syscall.Signal, args ...string) (code int, stderr string) {
	t.Helper()
	for wait := 200 * time.Millisecond; ; wait *= 2 {
		cmd := exec.Command(ospBinary, args...)
		var text bytes.Buffer
		cmd.Dir, cmd.Stderr, cmd.Env = dir, &text, append(cleanEnv(), bridge.KeysVariable+"=")
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, unused, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = unused
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
		_ = cmd.Process.Signal(signal) // it may have ended
		kill := time.AfterFunc(3*time.Minute, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // ProcessState has the result
		if !kill.Stop() {
			t.Fatalf("osp %q did not end when it got %v: %s", args, signal, &text)
		}
		stdin.Close()
		stdout.Close()
		unused.Close()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
			return cmd.ProcessState.ExitCode(), text.String()
		}
	}
}

// osp reads an endless file only up to a limit.
func TestEndlessFiles(t *testing.T) {
	dir := t.TempDir()
	big, fits := filepath.Join(dir, "big"), filepath.Join(dir, "fits")
	writeFile(t, big, strings.Repeat("k", mostKeyFile+1))
	writeFile(t, fits, strings.Repeat("k", mostKeyFile))
	failsToRead(t, "headers --hmac-key-file /dev/zero", `cannot read the file "/dev/zero": it is larger than 1.0 MiB`)
	failsToRead(t, "headers --hmac-key-file "+big, "larger than 1.0 MiB")
	failsToRead(t, "trace show /dev/zero", "larger than 256 MiB")
	if r := osp(t, dir, "headers", "--hmac-key-file", fits); r.code != exitDone {
		t.Errorf("a key file of exactly 1 MiB: exit code %d, %q", r.code, r.stderr)
	}
}

// osp does not read a regular file that is too large.
func TestSparseFiles(t *testing.T) {
	sparse := filepath.Join(t.TempDir(), "sparse")
	writeFile(t, sparse, "")
	if err := os.Truncate(sparse, 1<<40); err != nil {
		testenv.Missing(t, "this test needs a file system with sparse files: ", err)
	}
	failsToRead(t, "headers --hmac-key-file "+sparse, "larger than 1.0 MiB")
	failsToRead(t, "trace show "+sparse, "larger than 1.0 GiB")
}

func failsToRead(t *testing.T, args, want string) {
	t.Helper()
	r := osp(t, t.TempDir(), strings.Fields(args)...)
	if r.code != exitFailed || r.stdout != "" || !strings.Contains(r.stderr, want) {
		t.Errorf("osp %s: %+v; want %q", args, r, want)
	}
	checkSentence(t, r)
}

// If a signal interrupts the writing of a file, only the old file is left.
func TestInterruptedOut(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "trace.json")
	writeFile(t, path, "old")
	ctx, cancel := context.WithCancel(t.Context())
	err := writeTo(ctx, path, nil, func(w io.Writer) error {
		cancel()
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return err
			}
		}
	})
	if sentence(ctx, err) != "interrupted" || readFile(t, path) != "old" {
		t.Errorf("%v, %q", err, readFile(t, path))
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
