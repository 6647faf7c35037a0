package monitor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler/relay"
)

// A Peer is a source or a target of the relay.
type Peer struct {
	Name string
	// Ping connects to the peer. It is nil if the peer cannot be checked.
	Ping func(context.Context) error
}

// A Relay describes the relay that is monitored. Its functions may be called from any
// goroutine.
type Relay struct {
	Sources, Targets []Peer
	// Stats returns the counts of the relay, whose sources and targets have the order
	// of Sources and Targets. Before the relay runs, Stats returns the zero value.
	Stats func() relay.Stats
	// Stuck is the lag of a source from which the relay counts as stuck, if no source
	// and no target fails.
	Stuck time.Duration
	// Mask hides the passwords in a text.
	Mask func(string) string
}

// A Phase is the stage in the life of a relay.
type Phase string

// The phases.
const (
	Starting Phase = "starting"
	Running  Phase = "running"
	Stopping Phase = "stopping"
)

// Health is the answer of /healthz.
type Health struct {
	Status string  `json:"status"` // "ok" or "stuck"
	Phase  Phase   `json:"phase"`
	Reason string  `json:"reason,omitempty"`
	Uptime float64 `json:"uptime_seconds"`
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Status  string      `json:"status"` // "ready" or "not ready"
	Phase   Phase       `json:"phase"`
	Sources []PeerState `json:"sources"`
	Targets []PeerState `json:"targets"`
	Filter  *PeerState  `json:"filter,omitempty"` // the filter's state if it fails
}

// PeerState is the state of a source or a target.
type PeerState struct {
	Name  string     `json:"name"`
	Ready bool       `json:"ready"`
	Error string     `json:"error,omitempty"`
	Since *time.Time `json:"since,omitempty"` // when the failure began
}

// A Monitor watches one relay.
type Monitor struct {
	relay Relay
	begun time.Time

	mu      sync.Mutex
	phase   Phase
	sources []*probe
	targets []*probe
}

// New returns the monitor of a relay that is starting.
func New(r Relay) *Monitor {
	m := &Monitor{relay: r, begun: time.Now(), phase: Starting}
	for _, p := range r.Sources {
		m.sources = append(m.sources, &probe{ping: p.Ping})
	}
	for _, p := range r.Targets {
		m.targets = append(m.targets, &probe{ping: p.Ping})
	}
	return m
}

// SetPhase sets the phase of the relay.
func (m *Monitor) SetPhase(p Phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.phase = p
}

func (m *Monitor) at() Phase {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.phase
}

// Health reports whether the relay works or waits for a peer that fails. If neither applies,
// the relay is stuck.
func (m *Monitor) Health() Health {
	h := Health{Status: "ok", Phase: m.at(), Uptime: time.Since(m.begun).Seconds()}
	stats := m.relay.Stats()
	for _, t := range stats.Targets {
		if t.Err != nil {
			return h // the relay waits for the target, as it should
		}
	}
	for _, s := range stats.Sources {
		if s.Err == nil && m.relay.Stuck > 0 && s.Lag > m.relay.Stuck {
			h.Status = "stuck"
			h.Reason = fmt.Sprintf("an entry that was read from %s %s ago is in no target, and no target reports an error", s.Name, s.Lag.Round(time.Second))
		}
	}
	return h
}

// Readiness reports whether each source and each target can be reached. If the relay has no
// error of a peer, Readiness connects to the peer, at most once every [pingInterval].
func (m *Monitor) Readiness(ctx context.Context) Readiness {
	stats := m.relay.Stats()
	r := Readiness{Status: "ready", Phase: m.at()}
	ctx, cancel := context.WithTimeout(ctx, pingTime+time.Second) // a ping ends before that
	defer cancel()
	r.Sources, r.Targets = make([]PeerState, len(m.sources)), make([]PeerState, len(m.targets))
	var wait sync.WaitGroup
	for i := range r.Sources {
		var err error
		var since time.Time
		if i < len(stats.Sources) {
			err, since = stats.Sources[i].Err, stats.Sources[i].Since
		}
		wait.Go(func() { r.Sources[i] = m.state(ctx, m.relay.Sources[i].Name, m.sources[i], err, since) })
	}
	for i := range r.Targets {
		var err error
		var since time.Time
		if i < len(stats.Targets) {
			err, since = stats.Targets[i].Err, stats.Targets[i].Since
		}
		wait.Go(func() { r.Targets[i] = m.state(ctx, m.relay.Targets[i].Name, m.targets[i], err, since) })
	}
	wait.Wait()
	for _, p := range append(r.Sources[:len(r.Sources):len(r.Sources)], r.Targets...) {
		if !p.Ready {
			r.Status = "not ready"
		}
	}
	if stats.FilterErr != nil {
		failing := m.failing("the filter", stats.FilterErr, stats.FilterSince)
		r.Status, r.Filter = "not ready", &failing
	}
	if r.Phase != Running {
		r.Status = "not ready"
	}
	return r
}

// state returns the state of a peer: the error that the relay reports, or otherwise the
// result of the last ping.
func (m *Monitor) state(ctx context.Context, name string, p *probe, err error, since time.Time) PeerState {
	if err == nil {
		since, err = p.ask(ctx)
	}
	if err == nil {
		return PeerState{Name: name, Ready: true}
	}
	return m.failing(name, err, since)
}

// failing returns the state of a peer that fails.
func (m *Monitor) failing(name string, err error, since time.Time) PeerState {
	s := PeerState{Name: name, Error: m.relay.Mask(err.Error())}
	if !since.IsZero() {
		since = since.UTC()
		s.Since = &since
	}
	return s
}

const (
	pingInterval = 10 * time.Second
	pingTime     = 5 * time.Second
)

// A probe pings a peer, and remembers the result for [pingInterval]. All requests share one
// ping, which continues when the request that started it ends.
type probe struct {
	ping func(context.Context) error

	mu     sync.Mutex
	asking chan struct{} // closed when the ping has ended; nil if there is none
	asked  time.Time
	since  time.Time // when the failure began
	err    error
}

func (p *probe) ask(ctx context.Context) (since time.Time, err error) {
	if p.ping == nil {
		return time.Time{}, nil
	}
	p.mu.Lock()
	if p.asking == nil {
		if !p.asked.IsZero() && time.Since(p.asked) < pingInterval {
			defer p.mu.Unlock()
			return p.since, p.err
		}
		p.asking = make(chan struct{})
		go p.run(context.WithoutCancel(ctx))
	}
	asking := p.asking
	p.mu.Unlock()
	select {
	case <-asking:
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.since, p.err
}

// run pings the peer once.
func (p *probe) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	err := p.ping(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = time.Now()
	switch {
	case err == nil:
		p.since = time.Time{}
	case p.err == nil:
		p.since = p.asked
	}
	p.err = err
	close(p.asking)
	p.asking = nil
}
