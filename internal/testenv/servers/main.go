// Command servers starts the real servers that tests use, each once. It then runs
// the command in its arguments with the environment variables that name the
// servers, and finally ends the servers:
//
//	servers go test ./...
//
// At the end it prints which servers and tools it found, and the tables of the
// tests (see testenv.Table). If one is missing and OSP_TEST_REQUIRE=1 is set, it
// fails without running the command. Its exit code is that of the command.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: servers COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	code, err := run(os.Args[1:])
	for _, e := range append(testenv.EndAll(), err) {
		if e != nil {
			fmt.Fprintln(os.Stderr, "servers:", e)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

func run(command []string) (code int, err error) {
	// From here on, signals go to the command, and we wait for the command to end.
	interrupted := make(chan os.Signal, 8)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	env, err := start()
	if err != nil {
		return 1, err
	}
	tables, err := os.MkdirTemp("", "osp-tables-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(tables)
	select {
	case <-interrupted:
		return 1, errors.New("interrupted")
	default:
	}
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec // what the caller asked for
	cmd.Env = append(append(os.Environ(), env...), testenv.TablesVariable+"="+tables)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	go func() {
		for s := range interrupted {
			_ = cmd.Process.Signal(s) // it may have ended
		}
	}()
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code, err = max(1, exit.ExitCode()), nil // ExitCode is -1 if a signal ended the command
	}
	return code, errors.Join(err, report(tables))
}

// start finds or starts all resources at the same time. It returns the environment
// variables with their locations.
func start() (env []string, err error) {
	locations := make([]string, len(testenv.Resources))
	errs := make([]error, len(testenv.Resources))
	var wg sync.WaitGroup
	for i, r := range testenv.Resources {
		wg.Go(func() { locations[i], errs[i] = r.Find() })
	}
	wg.Wait()
	for i, r := range testenv.Resources {
		if errs[i] == nil {
			env = append(env, r.Variable+"="+locations[i])
		}
	}
	if testenv.Required() {
		err = errors.Join(errs...)
	}
	return env, err
}

func report(tables string) error {
	fmt.Println()
	for _, r := range testenv.Resources {
		fmt.Println(" ", r.State())
	}
	paths, err := filepath.Glob(filepath.Join(tables, "*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Printf("\n%s", text)
	}
	return nil
}
