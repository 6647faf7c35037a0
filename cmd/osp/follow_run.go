package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/osprofiler-otel/osprofiler/cmd/osp/internal/monitor"
	"github.com/osprofiler-otel/osprofiler/cmd/osp/internal/sdnotify"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A follower is a relay that runs.
type follower struct {
	*forward
	*ends

	warn    *logWarnings
	failing failing
	relay   *relay.Follower
	monitor *monitor.Monitor
	sources []relay.Source
	targets []relay.Target
}

func (r *follower) run(ctx context.Context) (err error) {
	opts := []relay.FollowOption{
		relay.WithGrace(r.graceTime()), relay.WithWarning(r.warned), relay.WithRedaction(r.redact.Redaction),
		relay.WithStarted(r.started),
	}
	if r.follow.poll.Duration > 0 {
		opts = append(opts, relay.WithPollInterval(r.follow.poll.Duration))
	}
	if filter := r.filter(); filter != nil {
		opts = append(opts, relay.WithFilter(*filter))
	}
	if r.follow.state != "" {
		state, err := relay.OpenState(r.follow.state)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, state.Close()) }()
		opts = append(opts, relay.WithState(state))
	}
	if r.follow.deadLetters != "" {
		letters, err := relay.OpenDeadLetters(r.follow.deadLetters, relay.DefaultDeadLetterBytes)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, letters.Close()) }()
		opts = append(opts, relay.WithDeadLetters(letters))
	}
	r.openRelay(opts)
	return errors.Join(r.serve(ctx), r.closeRelay())
}

func (r *follower) openRelay(opts []relay.FollowOption) {
	for _, from := range r.ends.from {
		r.sources = append(r.sources, followed(from))
	}
	for _, to := range r.ends.to {
		r.targets = append(r.targets, r.target(to))
	}
	r.relay = relay.NewFollower(r.sources, r.targets, opts...)
}

// followed returns the source of an end.
func followed(from *end) relay.Source {
	switch {
	case from.listener != nil:
		return from.listener
	case from.store.Capabilities().Peek:
		return relay.FromConsumer(from.store)
	}
	return relay.FromFeed(from.store, "", nil)
}

func (r *follower) closeRelay() (err error) {
	for _, s := range r.sources {
		err = errors.Join(err, s.Close())
	}
	for _, t := range r.targets {
		err = errors.Join(err, t.Close())
	}
	return err
}

// serve runs the relay together with the health server, the metrics and the watchdog.
func (r *follower) serve(ctx context.Context) error {
	watched := r.watched()
	r.monitor = monitor.New(watched)
	stopServing, err := r.listen(watched)
	if err != nil {
		return err
	}
	defer stopServing()
	if err := r.reach(ctx); err != nil {
		return err
	}
	watchCtx, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	watching := make(chan struct{})
	go func() {
		r.watch(watchCtx)
		close(watching)
	}()
	announced := whenEnded(ctx, r.stopping)
	err = r.relay.Run(ctx)
	announced()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New(err.Error()) // no longer the error of the context, so that the user sees which notifications are missing
	}
	stopWatching()
	<-watching
	r.warn.close()
	return r.stopped(err)
}

// whenEnded calls f when a context ends. If the context has ended, the returned function
// waits for f. Otherwise it prevents a later call of f.
func whenEnded(ctx context.Context, f func()) (wait func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		f()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// reach connects to all ends once. After a transient failure the relay tries again later. Any
// other failure stops the command.
func (r *follower) reach(ctx context.Context) error {
	check := func(e *end, doing string) error {
		ping := e.ping()
		if ping == nil {
			return nil
		}
		within, cancel := context.WithTimeout(ctx, reachTime)
		defer cancel()
		err := ping(within)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case store.IsTransient(err) || within.Err() != nil:
			r.log.Warn("cannot reach it yet; trying again", "name", e.name, "error", err)
			return nil
		}
		return fmt.Errorf("cannot %s: %w", doing, err)
	}
	for _, from := range r.ends.from {
		if err := check(from, "read the source"); err != nil {
			return err
		}
	}
	for _, to := range r.ends.to {
		if err := check(to, "write to the target"); err != nil {
			return err
		}
	}
	return nil
}

// reachTime is how long each end may take at the start.
const reachTime = 10 * time.Second

// watched describes the relay for the monitor.
func (r *follower) watched() monitor.Relay {
	w := monitor.Relay{Stats: r.relay.Stats, Stuck: r.stuckAfter(), Mask: r.maskText}
	for _, from := range r.ends.from {
		w.Sources = append(w.Sources, monitor.Peer{Name: from.name, Ping: from.ping()})
	}
	for _, to := range r.ends.to {
		w.Targets = append(w.Targets, monitor.Peer{Name: to.name, Ping: to.ping()})
	}
	return w
}

// stuckAfter is the lag from which the relay counts as stuck. It includes the time that
// halves wait for their other half or traces wait for the filter, because without a state
// directory they are not acknowledged meanwhile.
func (r *follower) stuckAfter() time.Duration {
	return 10*time.Minute + max(r.maxAge.Duration, 10*time.Minute) + r.follow.settle.Duration
}

// tell reports the state of the service to systemd.
func (r *follower) tell(states ...string) {
	if err := sdnotify.Send(states...); err != nil {
		r.warn.add(err)
	}
}

func (r *follower) started() {
	r.monitor.SetPhase(monitor.Running)
	state := r.follow.state
	if absolute, err := filepath.Abs(state); state != "" && err == nil {
		state = absolute
	}
	r.log.Info("the relay runs", "version", version(), "from", names(r.ends.from), "to", names(r.ends.to), "state", state)
	r.tell(sdnotify.Ready, sdnotify.Status("forwarding"))
}

func (r *follower) stopping() {
	r.monitor.SetPhase(monitor.Stopping)
	r.log.Info("stopping: writing what was read", "grace", r.graceTime().String())
	r.tell(sdnotify.Stopping, sdnotify.Status("writing what was read"))
}

// stopped logs the end of the relay.
func (r *follower) stopped(err error) error {
	counts := countsOf(r.relay.Stats())
	if err == nil {
		r.log.Info("the relay has stopped", counts...)
		return nil
	}
	return r.logged("the relay has stopped", err, counts...)
}

// logged logs an error if the log is JSON, because a line in another format would break it.
func (f *forward) logged(text string, err error, more ...any) error {
	var known loggedError
	if err == nil || f.follow.logFormat != logJSON || errors.As(err, &known) {
		return err
	}
	f.log.Error(text, append(more, "error", err)...)
	return loggedError{err}
}

// A loggedError is an error that has already been written.
type loggedError struct{ error }

func (e loggedError) Unwrap() error { return e.error }

func names(ends []*end) (names []string) {
	for _, e := range ends {
		names = append(names, e.name)
	}
	return names
}
