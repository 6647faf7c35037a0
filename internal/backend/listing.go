package backend

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Firsts finds the first event of each trace among events in any order. It
// keeps one Trace per trace, some 150 bytes, and nothing of the events.
type Firsts struct {
	byID map[string]event
}

// event is a trace's first one, as far as known. at is zero without a time.
type event struct {
	at        time.Time
	timestamp string
}

// Add takes an event of a trace.
func (f *Firsts) Add(baseID, timestamp string) {
	if f.byID == nil {
		f.byID = map[string]event{}
	}
	e := event{timestamp: timestamp}
	e.at, _ = osprofiler.ParseTime(timestamp)
	first, met := f.byID[baseID]
	if met && !e.before(first) {
		return
	}
	e.timestamp = strings.Clone(timestamp)
	if !met {
		baseID = strings.Clone(baseID) // both may be parts of a whole notification
	}
	f.byID[baseID] = e
}

// before compares by time. What tells no time comes behind what does, and
// among itself in the order of the texts, empty ones last.
func (e event) before(other event) bool {
	switch {
	case e.at.IsZero() != other.at.IsZero():
		return other.at.IsZero()
	case !e.at.IsZero():
		return e.at.Before(other.at)
	default:
		return other.timestamp == "" && e.timestamp != "" || other.timestamp != "" && e.timestamp != "" && e.timestamp < other.timestamp
	}
}

// Traces returns those that are asked for, newest first; traces without a time
// count as the oldest. Traces of the same time stand in the order of their ids.
func (f *Firsts) Traces(q store.Query) []store.Trace {
	type entry struct {
		at    time.Time
		trace store.Trace
	}
	entries := make([]entry, 0, len(f.byID))
	for id, e := range f.byID {
		if q.Contains(e.at) {
			entries = append(entries, entry{e.at, store.Trace{BaseID: id, Timestamp: e.timestamp}})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.trace.BaseID, b.trace.BaseID))
	})
	if q.Limit > 0 && len(entries) > q.Limit {
		entries = entries[:q.Limit]
	}
	traces := make([]store.Trace, len(entries))
	for i, e := range entries {
		traces[i] = e.trace
	}
	return traces
}
