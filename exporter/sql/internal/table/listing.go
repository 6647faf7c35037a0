package table

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Traces implements driver.Lister, newest first, traces without a time last. It
// reads the events from the newest to the oldest, page by page. For each page it
// asks the database to sum up the traces that did not occur in earlier pages. It
// yields a trace when it reaches the trace's first event. With a limit the walk
// stops there.
//
// If the query asks for failed traces, the events are the ones that may be
// failures. The database then searches the data of all events that it goes
// through, because there is no index. If failed traces are to be ordered by
// their first events, Traces yields all failed traces until no newer one can
// follow.
//
// Timestamps are compared as texts. For all timestamps that this package or the
// Python library writes, that is the order of the times.
func (t *Table) Traces(ctx context.Context, q driver.Query) iter.Seq2[driver.Summary, error] {
	return func(yield func(driver.Summary, error) bool) {
		l := &listing{Table: t, q: q, limit: q.Limit, open: map[string]*trace{}, yield: yield}
		if q.Failed && q.ByFirstEvent {
			l.limit, l.newest.limit = 0, q.Limit
		}
		exists, err := l.reading(ctx, func() error {
			return l.queryRow(ctx, "SELECT coalesce(max(id), 0) FROM data").Scan(&l.upTo)
		})
		if err != nil {
			yield(driver.Summary{}, err)
			return
		}
		if exists && l.walk(ctx, true) && !l.isFull() && (l.q.ByFirstEvent || l.q.Contains(time.Time{})) {
			l.walk(ctx, false)
		}
	}
}

// A listing is one walk through the events.
type listing struct {
	*Table

	q     driver.Query
	yield func(driver.Summary, error) bool

	limit  int               // 0: none, or the walk is not in the order of the query
	newest newestFirsts      // used by a walk in another order
	last   string            // the value of the column timestamp at which the limit was reached
	upTo   int64             // rows with larger ids were inserted later and are left out
	open   map[string]*trace // by the column base_id: traces whose first event was not reached yet
	listed int
	pages  int // how many pages were read

	fresh   []*trace // traces that first occurred in the page
	damages []error  // errors about rows that were read, to be yielded next
}

// An event is a row of a listing.
type event struct {
	id        int64
	baseID    string // the value of the column; empty for NULL, as the other members
	timestamp string

	name, service, project string
}

// walk goes through the events that have a time if timed is true, and otherwise
// through those that have none. It returns false when the listing is over.
func (l *listing) walk(ctx context.Context, timed bool) bool {
	var last *event
	for {
		if !timed {
			clear(l.open) // no trace is kept from page to page
		}
		var page []event
		_, err := l.reading(ctx, func() (err error) {
			if page, err = l.events(ctx, timed, last); err != nil {
				return err
			}
			l.fresh, err = l.sumUp(ctx, l.unknown(page))
			return err
		})
		l.pages++
		if err == nil && l.q.Failed {
			err = l.verify(ctx, l.fresh)
		}
		if err != nil {
			l.yield(driver.Summary{}, err)
			return false
		}
		if !l.emit(ctx, l.firsts(page, timed)) {
			return false
		}
		if len(page) < l.wanted(l.pages-1) {
			return true
		}
		last = &page[len(page)-1]
		if l.isFull() && last.timestamp != l.last {
			return false
		}
		if timed && l.newest.areAllAfter(last.timestamp) { // a trace whose failures have no time may still be newer
			return true
		}
	}
}

// isFull reports whether the limit is reached. Traces of the same time as the
// last one are still listed, because the Store orders these by their base ids.
func (l *listing) isFull() bool { return l.limit > 0 && l.listed >= l.limit }

// wanted returns how many events a page should have. This is about twice the
// number of traces that are still to be yielded, because most traces have at
// least two events. It doubles with each page, because a trace may have any
// number of events after its first.
func (l *listing) wanted(page int) int {
	count := min(l.q.Limit, eventRows)
	switch {
	case l.q.Limit <= 0:
		return eventRows
	case !l.q.Failed: // the next failure may be far away
		count = max(16, 2*count)
	}
	return min(eventRows, count<<min(page, 16))
}

// eventRows is how many events a listing reads at once.
const eventRows = 500

// events reads the next page of events.
func (l *listing) events(ctx context.Context, timed bool, behind *event) (page []event, err error) {
	where, args := l.window(timed, behind)
	query := fmt.Sprintf("SELECT id, coalesce(base_id, ''), coalesce(timestamp, ''), coalesce(name, ''), coalesce(service, ''), coalesce(project, '') FROM data WHERE %s LIMIT %d", where, l.wanted(l.pages))
	err = eachRow(ctx, l.db, l.dialect.Rebind(query), args, func(result *sql.Rows) error {
		var e event
		err := result.Scan(&e.id, &e.baseID, &e.timestamp, &e.name, &e.service, &e.project)
		page = append(page, e)
		return err
	})
	return page, err
}

// window returns the condition for the events of the next page.
func (l *listing) window(timed bool, behind *event) (where string, args []any) {
	where, args = "id <= ?", []any{l.upTo}
	add := func(condition string, values ...any) {
		where, args = where+" AND "+condition, append(args, values...)
	}
	switch {
	case l.q.Failed:
		add(l.dialect.Contains(failureWord))
	case l.q.Service != "": // the service of the first event
		service := l.characters().spelled(colService, shortened(colService, l.q.Service).String)
		add(l.dialect.Unindexed("service")+" = ?", service)
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
	if until := l.q.Until.UTC(); (!l.q.Failed || l.q.ByFailure()) && !until.IsZero() && until.Year() > 0 && until.Year() <= 9999 {
		add("timestamp <= ?", osprofiler.FormatTime(until))
	}
	if behind != nil {
		add("timestamp <= ? AND (timestamp < ? OR id < ?)", behind.timestamp, behind.timestamp, behind.id)
	}
	return where + " ORDER BY timestamp DESC, id DESC", args
}

// unknown returns the traces of events that are not open. A trace that was
// yielded has no further events, because the walk is past its first event.
func (l *listing) unknown(page []event) (baseIDs []string) {
	asked := map[string]bool{}
	for _, e := range page {
		if l.open[e.baseID] == nil && !asked[e.baseID] {
			asked[e.baseID] = true
			baseIDs = append(baseIDs, e.baseID)
		}
	}
	return baseIDs
}

// firsts returns the traces that are listed by an event in the page: by the
// first event, or by the first failure. These traces are no longer open.
func (l *listing) firsts(page []event, timed bool) (traces []*trace) {
	for _, e := range page {
		t := l.open[e.baseID]
		if t == nil {
			continue
		}
		if at := t.listedBy(l.q.Failed); at.id == e.id && at.timed == timed {
			t.event = e
			traces = append(traces, t)
			delete(l.open, e.baseID)
		}
	}
	return traces
}

// emit yields the summaries of traces. It returns false when the listing is
// over.
func (l *listing) emit(ctx context.Context, traces []*trace) bool {
	for len(traces) > 0 || len(l.damages) > 0 {
		count := len(traces)
		switch {
		case l.isFull():
			count = sameTime(traces, l.q.Failed, l.last)
		case l.limit > 0:
			count = min(count, l.limit-l.listed)
		}
		summaries, err := l.summaries(ctx, traces[:count])
		if err != nil {
			l.yield(driver.Summary{}, err)
			return false
		}
		if !l.yieldAll(summaries, traces[:count]) || l.isFull() && count < len(traces) && traces[count].listedBy(l.q.Failed).timestamp != l.last {
			return false
		}
		traces = traces[count:]
	}
	return true
}

// sameTime returns how many traces at the beginning have the same time.
func sameTime(traces []*trace, failures bool, timestamp string) int {
	i := slices.IndexFunc(traces, func(t *trace) bool { return t.listedBy(failures).timestamp != timestamp })
	if i < 0 {
		return len(traces)
	}
	return i
}

// yieldAll yields errors about rows, and then the summaries that match.
func (l *listing) yieldAll(summaries []driver.Summary, traces []*trace) bool {
	for _, damage := range l.damages {
		if !l.yield(driver.Summary{}, damage) {
			return false
		}
	}
	l.damages = nil
	for i := range summaries {
		if !l.q.Matches(&summaries[i]) {
			continue
		}
		l.listed++
		if !l.yield(summaries[i], nil) {
			return false
		}
		l.newest.add(traces[i].first.timestamp)
		if l.listed == l.limit {
			l.last = traces[i].listedBy(l.q.Failed).timestamp
		}
	}
	return true
}
