package sql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"

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

// events are those that a listing is about.
type events interface {
	// page returns the first events that a condition holds for, the last row
	// looked at, nil if there is no more, and what could not be read.
	page(ctx context.Context, where string, args ...any) (page []event, last *event, damages []error, err error)
	// firsts returns of each of the traces the time of the first event, and
	// for traces without a time the lowest id.
	firsts(ctx context.Context, upTo int64, baseIDs []string) (map[string]event, error)
}

// event is a row of a listing.
type event struct {
	id        int64
	baseID    string // as the column has it, or empty
	timestamp string // as the column has it; empty for NULL
}

// before tells the order of a trace's events: those without a time last.
func (e event) before(other event) bool {
	switch {
	case e.timestamp == other.timestamp:
		return e.id < other.id
	case e.timestamp == "" || other.timestamp == "":
		return other.timestamp == ""
	default:
		return e.timestamp < other.timestamp
	}
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
}

func (s *Store) list(ctx context.Context, q store.Query, events events) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		l := &listing{Store: s, q: q, events: events, open: map[string]event{}, passed: map[string]bool{}}
		err := l.use(ctx, func() error {
			return l.db.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM data").Scan(&l.upTo)
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
	where, args := l.window(timed, behind)
	err = l.use(ctx, func() (err error) {
		if page, last, damages, err = l.events.page(ctx, where, args...); err != nil {
			return err
		}
		met, err = l.events.firsts(ctx, l.upTo, l.strangers(page))
		return err
	})
	maps.Copy(l.open, met)
	for _, e := range page {
		if l.isFirst(e, timed) {
			firsts = append(firsts, e)
		}
	}
	return firsts, last, damages, err
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
	ids := make([]any, len(firsts))
	at := map[int64]int{}
	for i, e := range firsts {
		ids[i], at[e.id] = e.id, i
	}
	where := fmt.Sprintf("id IN (%s) AND %s LIKE '%%%s%%'", placeholders(len(ids)), l.dialect.text(), exactKey)
	for r, err := range l.rows(ctx, 0, where, ids...) {
		if err != nil {
			return err
		}
		if n, err := decode(&r); err == nil {
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

// note keeps the earlier of two events of a trace.
func note(firsts map[string]event, e event) {
	if first, met := firsts[e.baseID]; !met || e.before(first) {
		firsts[e.baseID] = e
	}
}

// inTraces is the condition that an event belongs to one of the traces.
func inTraces(baseIDs []string) (where string, args []any) {
	where = "base_id IN (" + placeholders(len(baseIDs)) + ")"
	for _, id := range baseIDs {
		args = append(args, id)
		if id == "" {
			where = "(base_id IS NULL OR " + where + ")"
		}
	}
	return where, args
}

// allEvents are all rows.
type allEvents struct{ *Store }

func (a allEvents) page(ctx context.Context, where string, args ...any) (page []event, last *event, _ []error, err error) {
	page, err = a.query(ctx, fmt.Sprintf("SELECT id, coalesce(base_id, ''), coalesce(timestamp, '') FROM data WHERE %s LIMIT %d", where, pageRows), args...)
	if len(page) == pageRows {
		last = &page[pageRows-1]
	}
	return page, last, nil, err
}

func (a allEvents) firsts(ctx context.Context, upTo int64, baseIDs []string) (map[string]event, error) {
	firsts := map[string]event{}
	if len(baseIDs) == 0 {
		return firsts, nil
	}
	where, args := inTraces(baseIDs)
	page, err := a.query(ctx, fmt.Sprintf("SELECT min(id), coalesce(base_id, ''), coalesce(min(%s), '') FROM data WHERE %s AND id <= ? GROUP BY base_id",
		a.dialect.unindexed("timestamp"), where), append(args, upTo)...)
	for _, e := range page {
		note(firsts, e)
	}
	return firsts, err
}

func (s *Store) query(ctx context.Context, query string, args ...any) (events []event, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e event
		if err := rows.Scan(&e.id, &e.baseID, &e.timestamp); err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

// failures are the rows whose info has an etype that is not null.
type failures struct{ *Store }

// mayFail finds them and some others.
func (f failures) mayFail() string { return f.dialect.text() + " LIKE '%etype%'" }

func (f failures) page(ctx context.Context, where string, args ...any) (page []event, last *event, damages []error, err error) {
	condition, order, _ := strings.Cut(where, " ORDER BY ")
	rows, more, err := f.Store.page(ctx, condition+" AND "+f.mayFail()+" ORDER BY "+order, args...)
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range rows {
		e, failed, err := f.failure(&rows[i])
		switch {
		case err != nil:
			damages = append(damages, err)
		case failed:
			page = append(page, e)
		}
	}
	if more {
		e := eventOf(&rows[len(rows)-1])
		last = &e
	}
	return page, last, damages, nil
}

func eventOf(r *row) event {
	return event{r.id, r.columns[colBaseID].String, r.columns[colTimestamp].String}
}

func (f failures) failure(r *row) (e event, failed bool, err error) {
	n, err := f.decoded(r)
	if err != nil {
		return e, false, err
	}
	return eventOf(r), n.Info.Failed(), nil
}

func (f failures) firsts(ctx context.Context, upTo int64, baseIDs []string) (map[string]event, error) {
	firsts := map[string]event{}
	if len(baseIDs) == 0 {
		return firsts, nil
	}
	where, args := inTraces(baseIDs)
	where += " AND id <= ? AND " + f.mayFail() + " ORDER BY id"
	args = append(args, upTo)
	behind, more := int64(0), true
	for more {
		var rows []row
		var err error
		if rows, more, err = f.Store.page(ctx, "id > ? AND "+where, append([]any{behind}, args...)...); err != nil {
			return nil, err
		}
		for i := range rows {
			behind = rows[i].id
			if e, failed, err := f.failure(&rows[i]); err == nil && failed {
				note(firsts, e)
			}
		}
	}
	return firsts, nil
}
