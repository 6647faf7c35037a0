package relay

import (
	"fmt"
	"strconv"

	"github.com/osprofiler-otel/osprofiler"
)

// open reads the journal.
func (t *traceFilter) open(s *State) (err error) {
	var entries []entry
	if t.journal, entries, err = s.filter(t.f.warn); err != nil {
		return err
	}
	t.noteConditions(entries)
	t.first = newDelivery()
	t.first.repeated = true
	// A decision comes after the notifications that it decides about.
	for _, e := range entries {
		if e.kind != heldEntry {
			t.restoreDecision(e)
		}
	}
	for _, e := range entries {
		if e.kind == heldEntry {
			t.restoreHeld(e)
		}
	}
	return nil
}

func (t *traceFilter) restoreDecision(e entry) {
	baseID, err := strconv.Unquote(e.text)
	if err != nil {
		t.journal.remove(e.id)
		return
	}
	t.remember(baseID, decision{selected: e.kind == selectedEntry, entry: e.id})
}

func (t *traceFilter) restoreHeld(e entry) {
	n, err := osprofiler.ParseNotification(e.text)
	if err != nil {
		t.journal.remove(e.id)
		return
	}
	switch decision, ok := t.decided.find(n.BaseID); {
	case !ok:
		t.hold(t.first, n, heldNotification{notification: n, entry: e.id}, "")
	case decision.selected:
		t.first.addAt(n, "")
		t.first.entries = append(t.first.entries, e.id)
	default:
		t.filtered.Add(1)
		t.journal.remove(e.id)
	}
}

// sync writes to the journal which notifications are held, and which no longer are.
func (t *traceFilter) sync() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.journal == nil {
		return nil
	}
	if err := t.journal.sync(); err != nil {
		return fmt.Errorf("cannot write the state of the filter to the state directory: %w", err)
	}
	return nil
}

// syncOnce calls sync, and notes whether sync succeeds.
func (t *traceFilter) syncOnce() {
	if err := t.sync(); err != nil {
		t.f.fail(&t.health, "cannot filter", err)
	} else if t.health.failure() != nil {
		t.health.works()
	}
}

// describe adds the statistics.
func (t *traceFilter) describe(s *Stats) {
	s.Filtered, s.Held = t.filtered.Load(), t.count.Load()
	t.health.mu.Lock()
	defer t.health.mu.Unlock()
	s.FilterErr, s.FilterSince = t.health.err, t.health.since
}

func (t *traceFilter) close() error {
	if t.journal == nil {
		return nil
	}
	t.syncOnce()
	return t.journal.close()
}
