package relay

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A Filter selects traces. A trace is selected if it meets all conditions that are set. A
// condition is met by any notification of the trace.
//
// A trace is handed on as soon as the notifications seen so far meet the conditions. Until
// then Follow holds them. If nothing new of a trace arrives for the time Settle, the trace is
// dropped and counted as filtered. Later notifications of a trace follow the decision on that
// trace. Decisions are remembered for a bounded number of traces. They also apply if a later
// relay with the same state directory has other conditions.
type Filter struct {
	// Services selects traces in which one of these services takes part. A name may
	// have the wildcards of [path.Match].
	Services []string
	// Names selects traces that have an operation of one of these names, such as
	// "wsgi" or "db". A name may have the wildcards of [path.Match].
	Names []string
	// FailedOnly selects traces in which an operation failed.
	FailedOnly bool
	// MinDuration selects traces whose last notification is at least this much later than the
	// first one, by their timestamps.
	MinDuration time.Duration
	// Settle is how long a trace is held after its newest notification. The default is
	// [DefaultSettle]. The time stops while a source fails or waits for a target, because the
	// rest of the trace may be in that source. When the source works again, the time stays
	// stopped for the length of the failure or wait, but at most for Settle. In total it
	// stops for at most ten times Settle if other sources work and no target fails.
	Settle time.Duration
	// MaxBytes bounds the memory of the held notifications. If more arrive, the trace that
	// has waited the longest for something new is dropped early. The default is
	// [DefaultFilterBytes].
	MaxBytes int64
}

// The defaults of a Filter.
const (
	DefaultSettle      = 30 * time.Second
	DefaultFilterBytes = 64 << 20
)

func (c Filter) orDefaults() Filter {
	if c.Settle <= 0 {
		c.Settle = DefaultSettle
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultFilterBytes
	}
	return c
}

// Validate returns an error if a name has a malformed wildcard.
func (c Filter) Validate() error {
	for _, list := range [][]string{c.Services, c.Names} {
		for _, pattern := range list {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Errorf("the filter cannot use %q: it is no pattern of names, such as \"nova-*\"", pattern)
			}
		}
	}
	return nil
}

// canonical returns the conditions as a text that is the same for filters with the same
// conditions.
func (c Filter) canonical() string {
	sorted := func(names []string) []string {
		return slices.Compact(slices.Sorted(slices.Values(names)))
	}
	text, err := json.Marshal(struct {
		Services    []string `json:"services,omitempty"`
		Names       []string `json:"names,omitempty"`
		FailedOnly  bool     `json:"failed_only,omitempty"`
		MinDuration string   `json:"min_duration,omitzero"`
	}{sorted(c.Services), sorted(c.Names), c.FailedOnly, durationText(c.MinDuration)})
	if err != nil {
		return ""
	}
	return string(text)
}

func durationText(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return d.String()
}

// A conditions records which conditions of a Filter a trace has met.
type conditions struct {
	service, name, failed, lasted bool
	first, last                   time.Time
}

// add adds a notification of the trace.
func (c *conditions) add(f *Filter, n *osprofiler.Notification) {
	c.service = c.service || matchesAny(f.Services, n.Service)
	c.name = c.name || matchesAny(f.Names, n.Operation())
	c.failed = c.failed || !f.FailedOnly || failed(n)
	if f.MinDuration <= 0 {
		c.lasted = true
		return
	}
	at, err := n.Time()
	if err != nil {
		return
	}
	if c.first.IsZero() || at.Before(c.first) {
		c.first = at
	}
	if c.last.IsZero() || at.After(c.last) {
		c.last = at
	}
	c.lasted = c.last.Sub(c.first) >= f.MinDuration
}

// met reports whether the trace is selected.
func (c *conditions) met() bool { return c.service && c.name && c.failed && c.lasted }

// matchesAny reports whether a name matches one of the patterns, or there are no patterns.
func matchesAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if ok, err := path.Match(pattern, name); ok && err == nil || pattern == name {
			return true
		}
	}
	return len(patterns) == 0
}

// failed reports whether a notification describes a failure. Most infos need not be parsed
// for that.
func failed(n *osprofiler.Notification) bool {
	info := string(n.Info)
	return (strings.Contains(info, "etype") || strings.IndexByte(info, '\\') >= 0) && n.Info.Failed()
}
