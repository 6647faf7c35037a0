package doctest

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// onTerminal runs commands on a terminal, and returns what it shows. It answers y to
// each question.
func onTerminal(t *testing.T, b *block, cmd *exec.Cmd) string {
	t.Helper()
	cmd.SysProcAttr = nil // pty makes a session, which is a process group too
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatalf("%v: %v", b, err)
	}
	defer terminal.Close()
	ended := time.AfterFunc(patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer ended.Stop()
	var shown strings.Builder
	buffer := make([]byte, 4096)
	for answered := 0; ; {
		n, err := terminal.Read(buffer)
		shown.Write(buffer[:n])
		if asked := strings.Count(shown.String(), "[y/N] "); asked > answered {
			answered = asked
			if _, err := terminal.WriteString("y\n"); err != nil {
				t.Errorf("%v: %v", b, err)
			}
		}
		if err != nil { // EIO: the other end is closed
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", b, err, shown.String())
	}
	return strings.ReplaceAll(shown.String(), "\r\n", "\n")
}
