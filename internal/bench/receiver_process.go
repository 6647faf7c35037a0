package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A receiverProcess is a program that receives OTLP by gRPC, on one processor.
type receiverProcess struct {
	address string // host and port
	cmd     *exec.Cmd
	before  float64 // the seconds of CPU that it used until it listened
	output  bytes.Buffer
	exited  chan struct{}
	failure error // of the program; valid when exited is closed
}

// startReceiver starts a program that listens on a free port, and waits until the port
// is open. command returns the arguments for an address.
func startReceiver(ctx context.Context, command func(address string) ([]string, error)) (*receiverProcess, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args, err := command(address)
	if err != nil {
		return nil, err
	}
	p := &receiverProcess{address: address, exited: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // a program that this command has built
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		p.failure = p.cmd.Wait()
	}()
	err = p.listens(ctx)
	if err == nil {
		p.before, err = cpuSoFar(p.cmd.Process.Pid)
	}
	if err != nil {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.exited
		return nil, fmt.Errorf("%s does not listen on %s: %w: %s", filepath.Base(args[0]), address, err, p.output.Bytes())
	}
	return p, nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// listens waits until the program accepts connections.
func (p *receiverProcess) listens(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-p.exited:
			return errors.Join(errors.New("it has ended"), p.failure)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the program by SIGTERM, so that it finishes its work. It returns the seconds
// of CPU that the program used since it listened, and its largest resident memory.
func (p *receiverProcess) stop() (cpu float64, peak int64, err error) {
	peak, err = peakMemory(p.cmd.Process.Pid)
	if other := p.cmd.Process.Signal(syscall.SIGTERM); other != nil {
		err = errors.Join(err, other, p.cmd.Process.Kill())
	}
	select {
	case <-p.exited:
	case <-time.After(time.Minute):
		err = errors.Join(err, errors.New("it did not end within a minute of SIGTERM"), p.cmd.Process.Kill())
		<-p.exited
	}
	if err := errors.Join(err, p.failure); err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, p.output.Bytes())
	}
	state := p.cmd.ProcessState
	return (state.UserTime() + state.SystemTime()).Seconds() - p.before, peak, nil
}

// peakMemory returns the largest resident memory of a process that runs. The system's
// figure for a process that has ended also counts its parent until exec.
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("the status of process %d has no line VmHWM", pid)
}

// cpuSoFar returns the seconds of CPU that a process has used.
func cpuSoFar(pid int) (float64, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	const userTime, ticksPerSecond = 11, 100 // proc(5); the fields before are skipped with the name
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < userTime+2 {
		return 0, fmt.Errorf("the stat of process %d has %d fields", pid, len(fields))
	}
	user, err := strconv.ParseFloat(fields[userTime], 64)
	system, other := strconv.ParseFloat(fields[userTime+1], 64)
	return (user + system) / ticksPerSecond, errors.Join(err, other)
}
