//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// savedTrace returns the path of a saved report.
func savedTrace(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "report.json")
	connection, _ := manyTraces(t, 1)
	if r := osp(t, t.TempDir(), "trace", "show", traceName(0), "--json", "--out", path, "--connection-string", connection); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	return path
}

// runAs runs a command as another user.
func runAs(t *testing.T, uid uint32, dir string, command ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &stdout, &stderr, cleanEnv()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("%q: %v", command, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// ospCopy returns a copy of the command that other users may run.
func ospCopy(t *testing.T) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "osp")
	if err := os.Link(ospBinary, path); err != nil {
		t.Fatal(err)
	}
	if err := openAbove(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// openAbove lets other users reach a path below the folder of temporary files.
func openAbove(path string) error {
	top := filepath.Clean(os.TempDir())
	for dir := filepath.Dir(path); strings.HasPrefix(dir, top+string(filepath.Separator)); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}
