package testenv

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Nobody is the number of an account without rights, and of its group.
const Nobody = 65534

// Root skips the test if this process is not root and so cannot act as another
// account. If resources are required, Root fails the test instead.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "this test needs root, to act as another account")
	}
}

// AsNobody runs this test binary again, as an account without rights. variable
// (NAME=VALUE) is added to the environment. temp is the folder for temporary
// files, which must belong to that account. AsNobody returns the standard output.
func AsNobody(t testing.TB, variable, temp string) string {
	t.Helper()
	Root(t)
	cmd := exec.CommandContext(t.Context(), copyOfSelf(t)) //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), variable, "TMPDIR="+temp, "HOME="+temp)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: Nobody, Gid: Nobody}}
	var output, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("as nobody: %v\n%s%s", err, &output, &problems)
	}
	return output.String()
}

// copyOfSelf copies the test binary to a folder in which every account may run it.
func copyOfSelf(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	path := filepath.Join(OpenFolder(t), "test")
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755) //nolint:gosec // for every account
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// OpenFolder creates a folder that every account may read, unlike t.TempDir. It
// is removed when the test ends.
func OpenFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "osp-open-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // for every account
		t.Fatal(err)
	}
	return dir
}
