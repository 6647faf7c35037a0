package sql

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Traces implements store.Store, newest first always, traces without a time
// last. It goes through the events from the newest to the oldest, and keeps
// only the traces of which it has not met the first event yet; with a limit it
// stops there.
//
// Timestamps are compared as texts. All that this package or upstream writes
// compare as times so.
func (s *Store) Traces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	return s.list(ctx, q, allEvents{s})
}

// ErrorTraces implements store.ErrorTracer, as Traces does. The database looks
// for "etype" in all of the data that it goes through, since there is no index.
func (s *Store) ErrorTraces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	return s.list(ctx, q, failures{s})
}

// A listing is one walk through the events.
type listing struct {
	*Store
	q      store.Query
	events events

	upTo   int64            // what is inserted later is not seen
	open   map[string]event // the first events, still to come, of traces met
	now    string           // the time that the walk is at
	passed map[string]bool  // the traces whose first event was met at that time
	listed int
	pages  int // how many were read
}

func (s *Store) list(ctx context.Context, q store.Query, events events) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		l := &listing{Store: s, q: q, events: events, open: map[string]event{}, passed: map[string]bool{}}
		err := l.use(ctx, func() error {
			return l.queryRow(ctx, "SELECT coalesce(max(id), 0) FROM data").Scan(&l.upTo)
		})
		if err != nil {
			yield(store.Trace{}, err)
			return
		}
		if l.walk(ctx, true, yield) && l.q.Contains(store.Trace{}.Time()) {
			l.walk(ctx, false, yield)
		}
	}
}

// walk goes through the events that have a time, or those that have none. It
// returns false when the listing is over.
func (l *listing) walk(ctx context.Context, timed bool, yield func(store.Trace, error) bool) bool {
	var last *event
	for {
		page, behind, damages, err := l.next(ctx, timed, last)
		l.pages++
		if err != nil {
			yield(store.Trace{}, err)
			return false
		}
		for _, damage := range damages {
			if !yield(store.Trace{}, damage) {
				return false
			}
		}
		if err := l.restore(ctx, page); err != nil {
			yield(store.Trace{}, err)
			return false
		}
		if !l.yieldAll(ctx, page, yield) {
			return false
		}
		if last = behind; last == nil {
			return true
		}
	}
}

// next reads one page behind the event and returns those in it that are the
// first of their traces, and where it ended.
func (l *listing) next(ctx context.Context, timed bool, behind *event) (firsts []event, last *event, damages []error, err error) {
	if !timed {
		clear(l.open) // nothing is carried from page to page
	}
	var page []event
	var met map[string]event
	var strangers []string
	where, args := l.window(timed, behind)
	err = l.use(ctx, func() (err error) {
		if page, last, damages, err = l.events.page(ctx, l.wanted(), where, args...); err != nil {
			return err
		}
		strangers = l.strangers(page)
		met, err = l.events.firsts(ctx, l.upTo, strangers)
		return err
	})
	for _, id := range strangers {
		if first, ok := met[id]; ok {
			l.open[id] = first
		}
	}
	for _, e := range page {
		if l.isFirst(e, timed) {
			firsts = append(firsts, e)
		}
	}
	return firsts, last, damages, err
}

// wanted returns how many events the next page should have at most, or 0 for no
// limit: as many as traces are still to come, and twice as many each time, for
// a trace may have any number of events before its first.
func (l *listing) wanted() int {
	if l.q.Limit <= 0 {
		return 0
	}
	return min(l.q.Limit-l.listed, pageRows) << min(l.pages, 16)
}

// strangers returns the traces of events that were not met before.
func (l *listing) strangers(page []event) (baseIDs []string) {
	asked := map[string]bool{}
	for _, e := range page {
		if _, met := l.open[e.baseID]; !met && !asked[e.baseID] {
			asked[e.baseID] = true
			baseIDs = append(baseIDs, e.baseID)
		}
	}
	return baseIDs
}

// isFirst tells whether the event is the first of its trace. Of those with a
// time several may have the first one; the one met first counts then.
func (l *listing) isFirst(e event, timed bool) bool {
	first := l.open[e.baseID]
	if !timed {
		return first == e
	}
	if e.timestamp != l.now {
		l.now = e.timestamp
		clear(l.passed)
	}
	if first.timestamp != e.timestamp {
		return false
	}
	delete(l.open, e.baseID) // all that follows is earlier, so of other traces
	again := l.passed[e.baseID]
	l.passed[e.baseID] = true
	return !again
}

// window is the condition for the events of the next page.
func (l *listing) window(timed bool, behind *event) (where string, args []any) {
	where, args = "id <= ?", []any{l.upTo}
	add := func(condition string, values ...any) {
		where, args = where+" AND "+condition, append(args, values...)
	}
	if !timed {
		add("timestamp IS NULL")
		if behind != nil {
			add("id > ?", behind.id)
		}
		return where + " ORDER BY id", args
	}
	add("timestamp IS NOT NULL")
	if since := l.q.Since.UTC(); !since.IsZero() && since.Year() <= 9999 {
		add("timestamp >= ?", osprofiler.FormatTime(since))
	}
	if until := l.q.Until.UTC(); !until.IsZero() && until.Year() > 0 && until.Year() <= 9999 {
		add("timestamp <= ?", osprofiler.FormatTime(until))
	}
	if behind != nil {
		add("timestamp <= ? AND (timestamp < ? OR id < ?)", behind.timestamp, behind.timestamp, behind.id)
	}
	return where + " ORDER BY timestamp DESC, id DESC", args
}

// restore gives events the base ids and timestamps that their columns say in
// short forms.
func (l *listing) restore(ctx context.Context, firsts []event) error {
	if len(firsts) == 0 {
		return nil
	}
	ids := make([]int64, len(firsts))
	at := map[int64]int{}
	for i, e := range firsts {
		ids[i], at[e.id] = e.id, i
	}
	slices.Sort(ids)
	where := fmt.Sprintf("%s AND %s LIKE '%%%s%%'", l.oneOf(ids), l.dialect.Text(), exactKey)
	for r, err := range l.rows(ctx, 0, where) {
		if err != nil {
			return err
		}
		if n, err := decode(r); err == nil {
			e := &firsts[at[r.id]]
			e.baseID, e.timestamp = n.BaseID, n.Timestamp
		}
	}
	return nil
}

// yieldAll yields what is asked for, and returns false when the listing is over.
func (l *listing) yieldAll(ctx context.Context, firsts []event, yield func(store.Trace, error) bool) bool {
	for _, e := range firsts {
		trace := store.Trace{BaseID: e.baseID, Timestamp: e.timestamp}
		if !l.q.Contains(trace.Time()) {
			continue
		}
		if err := l.alive(ctx); err != nil {
			yield(store.Trace{}, err)
			return false
		}
		if l.listed++; !yield(trace, nil) || l.listed == l.q.Limit {
			return false
		}
	}
	return true
}
