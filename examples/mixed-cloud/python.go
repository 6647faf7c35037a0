package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A service is one that runs.
type service struct {
	url  string
	stop func() error // returns when all its spans are sent
}

// startPython runs a service in Python with these variables in its environment. It
// returns when the service listens.
func startPython(ctx context.Context, c *config, script string, environment ...string) (*service, error) {
	cmd := exec.CommandContext(ctx, c.python, filepath.Join(c.folder, script)) //nolint:gosec // the user chooses the interpreter
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	port, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%s did not start", script), err, cmd.Process.Kill(), cmd.Wait())
	}
	stop := func() error {
		return errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()) // it sends its spans, and ends with code 0
	}
	return &service{"http://127.0.0.1:" + port, stop}, nil
}
