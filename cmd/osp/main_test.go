package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler/bridge"
)

var update = flag.Bool("update", false, "write the golden files anew")

// ospBinary is the path of the command, which is built once for all tests.
var ospBinary string

func TestMain(m *testing.M) {
	if task := os.Getenv(serviceVariable); task != "" {
		beService(task)
		return
	}
	flag.Parse()
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "osp-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ospBinary = filepath.Join(dir, "osp")
	build := exec.Command("go", "build", "-o", ospBinary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building osp:", err)
		return 1
	}
	return m.Run()
}

// A result has the output and the exit code of a command.
type result struct {
	stdout, stderr string
	code           int
}

// commandTime is the longest time for a command. Kafka alone may take 45 s to deliver the
// messages of a killed relay to another one.
const commandTime = 5 * time.Minute

// osp runs the command in the folder dir, without our own environment variables.
func osp(t *testing.T, dir string, args ...string) result {
	t.Helper()
	return runCommand(t, dir, nil, append([]string{ospBinary}, args...)...)
}

func runCommand(t *testing.T, dir string, env []string, command ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(cleanEnv(), env...)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("%q: %v", command, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%q did not end in time\nstdout: %s\nstderr: %s", command, &stdout, &stderr)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// cleanEnv returns the environment without variables that change the output.
func cleanEnv() (env []string) {
	for _, e := range os.Environ() {
		switch name, _, _ := strings.Cut(e, "="); name {
		case connectionVariable, targetVariable, bridge.KeysVariable, "COLUMNS", "NO_COLOR", "TERM", "LC_ALL", "LC_CTYPE", "LANG":
		default:
			env = append(env, e)
		}
	}
	return env
}

// succeeded returns stdout. It fails the test if the command failed or wrote to stderr.
func (r result) succeeded(t *testing.T) string {
	t.Helper()
	if r.code != exitDone || r.stderr != "" {
		t.Fatalf("exit code %d, stderr %q; want 0 and nothing", r.code, r.stderr)
	}
	return r.stdout
}

// golden compares an output with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
