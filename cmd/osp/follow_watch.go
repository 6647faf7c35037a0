package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler/cmd/osp/internal/monitor"
	"github.com/osprofiler-otel/osprofiler/cmd/osp/internal/sdnotify"
	"github.com/osprofiler-otel/osprofiler/relay"
)

// listen answers requests about the relay on the address of --listen. The returned function
// stops that after the last metrics were sent.
func (r *follower) listen(watched monitor.Relay) (stop func(), err error) {
	// The metrics outlive the signal, so that the last values are sent.
	metrics, err := monitor.NewMetrics(context.Background(), watched, version())
	if err != nil {
		return nil, usageError{err}
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		if err := metrics.Close(ctx); err != nil {
			r.log.Warn("cannot send the last metrics", "error", err)
		}
	}
	if r.follow.listen == listenNone {
		return stop, nil
	}
	listener, err := net.Listen("tcp", r.follow.listen)
	if err != nil {
		stop()
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("cannot answer /healthz, /readyz and /metrics on %s: %w; give another address by --listen, or --listen none", r.follow.listen, err)
	}
	r.log.Info("answering /healthz, /readyz and /metrics", "address", listener.Addr().String())
	if address, ok := listener.Addr().(*net.TCPAddr); ok && !address.IP.IsLoopback() {
		r.log.Warn("everybody who reaches the address of --listen can read the names of servers and the counts", "address", listener.Addr().String())
	}
	return r.serveMonitor(listener, metrics.Handler, stop), nil
}

func (r *follower) serveMonitor(listener net.Listener, metrics http.Handler, then func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.monitor.Serve(ctx, listener, metrics); err != nil {
			r.log.Error("requests about the relay are not answered any more", "error", err)
		}
	}()
	return func() {
		cancel()
		<-done
		then()
	}
}

// watch logs when a source or a target begins to fail and when it works again, and notifies
// systemd that the relay is alive, until ctx ends.
func (r *follower) watch(ctx context.Context) {
	interval := time.Second
	watchdog := sdnotify.WatchdogInterval() / 2
	if watchdog > 0 {
		interval = min(interval, watchdog)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var told time.Time
	for {
		r.logChanges(r.relay.Stats())
		if now := time.Now(); watchdog > 0 && now.Sub(told) >= watchdog {
			if h := r.monitor.Health(); h.Status == "ok" {
				r.tell(sdnotify.Watchdog)
			} else {
				r.log.Error("the relay is stuck", "reason", h.Reason)
			}
			told = now
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// failing records since when sources and targets have failed, and the text that was logged.
type failing struct {
	mu   sync.Mutex
	kept map[string]failure // by kind and name
}

type failure struct {
	since time.Time
	text  string
}

// warned logs a warning of the relay. A failure of a source or a target is logged as such,
// once.
func (r *follower) warned(err error) {
	known := false
	if r.relay != nil {
		eachState(r.relay.Stats(), func(kind, name string, failed error, since time.Time) {
			if failed == nil || known || !errors.Is(err, failed) {
				return
			}
			known = true
			r.failing.mu.Lock()
			defer r.failing.mu.Unlock()
			if r.failing.kept[kind+" "+name].text != failed.Error() && r.warn.allow() {
				r.logFailure(kind, name, failed, since)
			}
		})
	}
	if !known {
		r.warn.add(err)
	}
}

// logChanges logs each source and each target that has begun to fail or works again. It
// treats the filter in the same way.
func (r *follower) logChanges(stats relay.Stats) {
	r.failing.mu.Lock()
	defer r.failing.mu.Unlock()
	eachState(stats, func(kind, name string, err error, since time.Time) {
		key := kind + " " + name
		before, was := r.failing.kept[key]
		switch {
		case err != nil && !was:
			r.logFailure(kind, name, err, since)
		case err == nil && was:
			delete(r.failing.kept, key)
			r.log.Info("the "+kind+" works again", "name", name, "after", time.Since(before.since).Round(time.Millisecond).String())
		}
	})
}

// logFailure logs that a part of the relay has begun to fail, or fails in another way.
func (r *follower) logFailure(kind, name string, err error, since time.Time) {
	if since.IsZero() {
		since = time.Now()
	}
	if r.failing.kept == nil {
		r.failing.kept = map[string]failure{}
	}
	r.failing.kept[kind+" "+name] = failure{since, err.Error()}
	r.log.Error("the "+kind+" fails; trying again", "name", name, "error", err)
}

// eachState calls a function with the failure of each part of the relay, or with nil.
func eachState(stats relay.Stats, do func(kind, name string, err error, since time.Time)) {
	for _, s := range stats.Sources {
		do("source", s.Name, s.Err, s.Since)
	}
	for _, t := range stats.Targets {
		do("target", t.Name, t.Err, t.Since)
	}
	do("filter", "filter.journal", stats.FilterErr, stats.FilterSince)
}
