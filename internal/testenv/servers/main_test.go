package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// buildCommand builds the command servers. tmp is the folder for the temporary
// folders of its servers.
func buildCommand(t *testing.T, args ...string) (cmd *exec.Cmd, tmp string) {
	t.Helper()
	tmp = t.TempDir()
	if err := os.Chmod(filepath.Dir(tmp), 0o755); err != nil { // servers may run as another account
		t.Fatal(err)
	}
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "servers")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd = exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, testenv.OnDemandVariable+"=", "OSP_TEST_REQUIRE=")
	for _, r := range testenv.Resources {
		// The tests need only one kind of server. The other kinds are missing, because
		// nothing answers at this address.
		own := "x://127.0.0.1:1"
		if r.Variable == testenv.RedisVariable {
			own = ""
		}
		cmd.Env = append(cmd.Env, r.Variable+"="+own)
	}
	return cmd, tmp
}

// awaitEmpty waits until a folder is empty.
func awaitEmpty(t *testing.T, dir string) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("left behind: %v", left)
		}
	}
}

func TestRunsTheCommandBesideItsServers(t *testing.T) {
	cmd, tmp := buildCommand(t, "sh", "-c", `echo "redis at $OSP_TEST_REDIS_URL"; echo a table >"$OSP_TEST_TABLES/table"; exit 7`)
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("%v; want the command's exit code 7", err)
	}
	output := string(out)
	if !strings.Contains(output, "\na table\n") || !strings.Contains(output, "redis at") {
		t.Error(output)
	}
	if strings.Contains(output, "found:   a Redis server") == strings.Contains(output, "redis at \n") {
		t.Errorf("a server that was found is in the environment:\n%s", output)
	}
	awaitEmpty(t, tmp)
}

func TestAnInterruptEndsCommandAndServers(t *testing.T) {
	cmd, tmp := buildCommand(t, "sh", "-c", "echo ready; exec sleep 600")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatal(line, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the command reports no failure")
	}
	awaitEmpty(t, tmp)
}

func TestWantsACommand(t *testing.T) {
	cmd, _ := buildCommand(t)
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 || !strings.HasPrefix(string(out), "usage:") {
		t.Errorf("%v: %s", cmd.ProcessState, out)
	}
}
