package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel"

	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// follow are the options of --follow.
type follow struct {
	state, deadLetters  string
	services, names     []string
	settle, poll, grace leastDuration
	listen, logFormat   string
}

const (
	// stateVariable is set by systemd for StateDirectory= of a unit.
	stateVariable = "STATE_DIRECTORY"
	// defaultListen is the address that OpenTelemetry specifies for metrics in the Prometheus
	// format.
	defaultListen = "127.0.0.1:9464"
	listenNone    = "none"

	logText, logJSON = "text", "json"
)

func (f *forward) checkFollow(cmd *cobra.Command) error {
	for _, name := range onlyOnce {
		if cmd.Flags().Changed(name) {
			return usagef("--%s cannot be given with --follow", name)
		}
	}
	switch f.follow.logFormat {
	case logText, logJSON:
	default:
		return usagef("--log-format %q: it should be text or json", f.follow.logFormat)
	}
	for flag, patterns := range map[string][]string{"service": f.follow.services, "name": f.follow.names} {
		for _, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
				return usagef("--%s %q: it should be a name, which may have the wildcards *, ? and [a-z]", flag, pattern)
			}
		}
	}
	if f.follow.settle.text != "" && f.filter() == nil {
		return usagef("--settle has a meaning with --service, --name, --error-trace or --min-duration only")
	}
	if f.follow.state == "" {
		f.follow.state, _, _ = strings.Cut(os.Getenv(stateVariable), ":")
	}
	return f.checkListen()
}

func (f *forward) checkListen() error {
	if f.follow.listen == listenNone {
		return nil
	}
	if _, _, err := net.SplitHostPort(f.follow.listen); err != nil {
		return usagef("--listen %q: it should be an address with a port, such as %s, or none", f.follow.listen, defaultListen)
	}
	return nil
}

// filter returns the filter that the flags describe, or nil.
func (f *forward) filter() *relay.Filter {
	if len(f.follow.services) == 0 && len(f.follow.names) == 0 && !f.failed.on && f.minDuration.Duration <= 0 {
		return nil
	}
	return &relay.Filter{
		Services: f.follow.services, Names: f.follow.names, FailedOnly: f.failed.on,
		MinDuration: f.minDuration.Duration, Settle: f.follow.settle.Duration,
	}
}

// checkEnds refuses sources and targets that cannot be followed, and a state that is
// missing.
func (f *forward) checkEnds(e *ends) error {
	for _, to := range e.to {
		if err := f.writable(to); err != nil {
			return err
		}
		if to.sink != nil && f.follow.state == "" {
			return f.needState("the halves of operations that wait for their other half are kept there")
		}
	}
	for _, from := range e.from {
		switch {
		case from.listener != nil && f.filter() != nil && f.follow.state == "":
			return f.needState("clients that send spans wait for the answer while the filter holds a trace, unless the trace is kept there")
		case from.store != nil && from.store.Capabilities().Peek && f.filter() != nil && f.follow.state == "":
			return f.needState("the bus keeps the messages of a trace while the filter holds it, and soon gives no more of them, unless the trace is kept there")
		case from.store == nil || from.store.Capabilities().Peek:
		case !from.store.Capabilities().Feed:
			return usageError{fmt.Errorf("--from: %s cannot be followed: %w", from.name, errors.ErrUnsupported)}
		case f.follow.state == "":
			return f.needState(fmt.Sprintf("how far %s was read is kept there", from.name))
		}
	}
	return nil
}

func (f *forward) needState(reason string) error {
	return usagef("--follow needs a folder for its state, because %s: give --state DIR, or set %s, as systemd does for StateDirectory= of a unit", reason, stateVariable)
}

// runFollow runs the relay until ctx ends.
func (f *forward) runFollow(ctx context.Context, stderr io.Writer) (err error) {
	signal.Ignore(syscall.SIGHUP) // there is no configuration to reload
	extendGrace(ctx, f.graceTime())
	f.log = f.logger(stderr)
	defer catchLogs(f.log)()
	defer func() {
		var wrong usageError
		if !errors.As(err, &wrong) && !errors.Is(err, store.ErrConnectionString) { // these errors are only written for the person at the terminal
			err = f.logged("the relay does not run", err)
		}
	}()
	e, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		err = errors.Join(err, e.close(closing))
	}()
	if err := f.checkEnds(e); err != nil {
		return err
	}
	if err := e.checkLoops(ctx); err != nil {
		return err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { f.log.Warn("OpenTelemetry", "error", err) }))
	r := &follower{forward: f, ends: e, warn: &logWarnings{log: f.log}}
	return r.run(ctx)
}

// closeTime bounds how long the ends may take to close after the relay has ended.
const closeTime = 2 * time.Second

func (f *forward) graceTime() time.Duration {
	if f.follow.grace.text == "" {
		return relay.DefaultGrace
	}
	return f.follow.grace.Duration
}
