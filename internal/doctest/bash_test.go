package doctest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is the time that a block may take. Only a block that hangs takes this long.
const patience = 3 * time.Minute

// prelude defines the functions that every block may call. newest prints the id of the
// newest trace. dot replaces Graphviz where it is not installed.
const prelude = `set -e -o pipefail
newest() { osp trace list --limit 1 --json | sed 's/.*"base_id": "\([^"]*\)".*/\1/'; }
command -v dot >/dev/null || dot() { cat; }
[ ! -f "$STATE" ] || . "$STATE"
`

// bash returns a command that runs commands with the environment that earlier ones left.
func (s *sandbox) bash(text string) *exec.Cmd {
	script := prelude + text + "\nexport -p > \"$STATE\"\n"
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = s.work
	cmd.Env = slices.Concat(s.env, []string{"STATE=" + filepath.Join(s.root, "environment"), "PWD=" + s.work})
	return cmd
}

// run runs commands, and returns what they write to standard output and error. If they
// take too long, run ends them. They must succeed, unless the class of the block is one of
// failing commands.
func run(t *testing.T, b *block, cmd *exec.Cmd) string {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: %v", b, err)
	}
	ended := time.AfterFunc(patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer ended.Stop()
	if err := cmd.Wait(); (err != nil) != b.has("fails") {
		t.Fatalf("%v: %v\n%s", b, err, out.String())
	}
	return out.String()
}

// serve starts a command that listens at an address, and interrupts it at the end of
// the test, as Ctrl-C does. It must end then, and must not have written anything.
// `go run` exits with 1 after an interrupt, whatever the program does.
func serve(t *testing.T, b *block, cmd *exec.Cmd, address string) (stop func()) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: %v", b, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		kill := time.AfterFunc(patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer kill.Stop()
		err := <-done
		if goRun := b.language == "sh" && cmd.ProcessState.ExitCode() == 1; out.Len() > 0 || err != nil && !goRun {
			t.Errorf("%v: after the interrupt: %v\n%s", b, err, out.String())
		}
	}
	t.Cleanup(stop)
	for deadline := time.Now().Add(patience); !listens(t.Context(), address); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-done:
			stopped = true
			t.Fatalf("%v: ended before it listened at %s: %v\n%s", b, address, err, out.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v: nobody listens at %s", b, address)
		}
	}
	return stop
}

func listens(ctx context.Context, address string) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return !strings.HasSuffix(address, relayPort) || runs(ctx, address)
}

// relayPort is the port at which a relay reports its health.
const relayPort = ":9464"

// runs reports whether a relay that listens has begun to work.
func runs(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return err == nil && strings.Contains(string(text), `"running"`)
}

var uuid = regexp.MustCompile(`\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b`)

// known returns commands in which each id that no fixture has is replaced by the id of the
// newest trace.
func (s *sandbox) known(t *testing.T, text string) string {
	fixed := read(t, s.path("backup/traces.jsonl"))
	return uuid.ReplaceAllStringFunc(s.replace.Replace(text), func(id string) string {
		if strings.Contains(fixed, `"base_id": "`+id+`"`) {
			return id
		}
		return "$(newest)"
	})
}
