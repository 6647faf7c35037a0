// Command servers lets tests share the real servers that they use. It runs the
// command in its arguments, and finally ends the servers:
//
//	servers go test ./...
//
// If the command is `go test` or a test binary, each server starts when the first
// test asks for it (see testenv.OnDemand). Before any other command, all servers
// start, and the environment variables of the command name them.
//
// At the end it prints which servers and tools were used, which were not, which are
// missing, and the tables of the tests (see testenv.Table). If one is missing and
// OSP_TEST_REQUIRE=1 is set, it fails without running the command. Its exit code is
// that of the command.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
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
	env, stop, err := prepare(command)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stop()) }()
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

// prepare returns the environment variables for the command, and a function to call
// after the command.
func prepare(command []string) (env []string, stop func() error, err error) {
	if !isTest(command) {
		env, err = start()
		return env, func() error { return nil }, err
	}
	if testenv.Required() {
		if err := check(); err != nil {
			return nil, nil, err
		}
	}
	d, err := testenv.NewOnDemand()
	if err != nil {
		return nil, nil, err
	}
	return []string{d.Environment()}, d.Close, nil
}

// isTest reports whether a command is `go test` or a test binary.
func isTest(command []string) bool {
	name := strings.TrimSuffix(filepath.Base(command[0]), ".exe")
	return strings.HasPrefix(name, "go") && len(command) > 1 && command[1] == "test" || strings.HasSuffix(name, ".test")
}

// check checks all resources at the same time without starting servers.
func check() error {
	errs := make([]error, len(testenv.Resources))
	var wg sync.WaitGroup
	for i, r := range testenv.Resources {
		wg.Go(func() { errs[i] = r.Check() })
	}
	wg.Wait()
	return errors.Join(errs...)
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
