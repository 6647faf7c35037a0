package table

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A trace contains the values that the database sums up for a trace.
type trace struct {
	baseID      string // the value of the column; empty for NULL
	count       int
	operations  int  // the number of different trace ids
	uncertain   bool // whether operations has to be counted row by row
	first, last stamp
	failure     stamp // the stamp of the first row that may be a failure; the id is 0 if there is none
	failed      bool  // whether failure was verified
	failedAt    string
	event       event // the event by which the trace is listed
}

// A stamp consists of the time and the id of a row, by which the events of a
// trace are ordered.
type stamp struct {
	timed     bool   // whether the column timestamp is not NULL
	timestamp string // the value of the column
	id        int64
}

// isBefore reports whether an event is before another one. Events without a
// time are last.
func (s stamp) isBefore(other stamp) bool {
	switch {
	case s.timed != other.timed:
		return s.timed
	case s.timestamp != other.timestamp:
		return s.timestamp < other.timestamp
	}
	return s.id < other.id
}

// parseStamp parses the text of a Dialect's Stamp.
func parseStamp(text string) (s stamp, err error) {
	cut := max(0, len(text)-19)
	s.timestamp, s.timed = text[:cut], text[:cut] != untimed
	if !s.timed {
		s.timestamp = ""
	}
	s.id, err = strconv.ParseInt(text[cut:], 10, 64)
	return s, err
}

const (
	// failureWord is a word in the data of every failure.
	failureWord = "etype"
	// untimed replaces NULL in a stamp, and sorts behind all timestamps.
	untimed = "~"
)

// listedBy returns the event by which the trace is listed.
func (t *trace) listedBy(failures bool) stamp {
	switch {
	case !failures:
		return t.first
	case t.failed:
		return t.failure
	}
	return stamp{}
}

// sumUp asks the database to sum up traces, and marks them as open.
func (l *listing) sumUp(ctx context.Context, baseIDs []string) (traces []*trace, err error) {
	if len(baseIDs) == 0 {
		return nil, nil
	}
	where, args := inTraces(baseIDs)
	d, exact := l.dialect, l.dialect.Exact("base_id")
	query := fmt.Sprintf("SELECT coalesce(min(%[1]s), ''), count(*), min(id), min(%[2]s), max(%[2]s), min(CASE WHEN %[3]s THEN %[4]s END), "+
		"count(CASE WHEN trace_id <> '' THEN 1 END), count(DISTINCT %[6]s) FROM data WHERE %[5]s AND id <= ? GROUP BY %[1]s",
		exact, d.Stamp("timestamp"), d.Contains(failureWord), d.Stamp("coalesce(timestamp, '"+untimed+"')"), where, d.Exact("trace_id"))
	err = eachRow(ctx, l.db, d.Rebind(query), append(args, l.upTo), func(result *sql.Rows) error {
		t, err := scanTrace(result)
		switch open := l.open[t.baseID]; {
		case err != nil || !slices.Contains(baseIDs, t.baseID): // a base id that was not asked for, but that the collation does not distinguish
		case open != nil && slices.Contains(traces, open): // the trace of NULL and the trace of the empty text are the same
			open.add(t)
		default:
			l.open[t.baseID] = t
			traces = append(traces, t)
		}
		return err
	})
	return traces, err
}

func scanTrace(result *sql.Rows) (*trace, error) {
	t := &trace{}
	var first, last, failure sql.NullString
	var id int64
	var withID int // the number of rows with a trace id
	if err := result.Scan(&t.baseID, &t.count, &id, &first, &last, &failure, &withID, &t.operations); err != nil {
		return t, err
	}
	t.uncertain = withID < t.count
	t.first, t.last = stamp{id: id}, stamp{id: id}
	for text, s := range map[*sql.NullString]*stamp{&first: &t.first, &last: &t.last, &failure: &t.failure} {
		if text.Valid {
			var err error
			if *s, err = parseStamp(text.String); err != nil {
				return t, err
			}
		}
	}
	return t, nil
}

// add adds the values of another trace to the trace.
func (t *trace) add(other *trace) {
	t.count += other.count
	t.uncertain = true // both may have the same trace ids
	if other.first.isBefore(t.first) {
		t.first = other.first
	}
	if !t.last.timed || other.last.timed && t.last.isBefore(other.last) {
		t.last = other.last
	}
	if t.failure.id == 0 || other.failure.id != 0 && other.failure.isBefore(t.failure) {
		t.failure = other.failure
	}
}

// sorted returns the keys of a map in ascending order.
func sorted[T any](byID map[int64]T) []int64 {
	ids := make([]int64, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// summaries makes the summaries of traces.
func (l *listing) summaries(ctx context.Context, traces []*trace) ([]driver.Summary, error) {
	if len(traces) == 0 {
		return nil, nil
	}
	exact, err := l.exactEnds(ctx, traces)
	if err != nil {
		return nil, err
	}
	firsts, err := l.readFirsts(ctx, traces)
	if err != nil {
		return nil, err
	}
	summaries := make([]driver.Summary, len(traces))
	for i, t := range traces {
		summaries[i] = t.summary(exact)
		s := &summaries[i]
		if first := firsts[t.first.id]; first != nil {
			s.BaseID, s.Timestamp, s.Name, s.Service, s.Project = first.BaseID, first.Timestamp, first.Name, first.Service, first.Project
			if l.q.First && first.whole {
				s.First = &first.Notification
			}
		}
	}
	return summaries, l.addCounts(ctx, traces, summaries)
}

// summary makes the summary of a trace that is listed by its first event, from
// the columns and from the notifications of rows that have exact members in
// data.
func (t *trace) summary(exact map[int64]osprofiler.Notification) driver.Summary {
	s := driver.Summary{
		BaseID: t.event.baseID, Timestamp: t.event.timestamp, LastTimestamp: t.last.timestamp, Notifications: t.count, Operations: t.operations,
		Name: t.event.name, Service: t.event.service, Project: t.event.project, Failed: t.failed, FirstFailure: t.failedAt,
	}
	if n, ok := exact[t.first.id]; ok {
		s.BaseID, s.Timestamp, s.Name, s.Service, s.Project = n.BaseID, n.Timestamp, n.Name, n.Service, n.Project
	}
	if n, ok := exact[t.last.id]; ok {
		s.LastTimestamp = n.Timestamp
	}
	return s
}

// exactEnds returns the first and last notifications of traces, as far as their
// columns do not hold them exactly. Usually there are none.
func (l *listing) exactEnds(ctx context.Context, traces []*trace) (map[int64]osprofiler.Notification, error) {
	ids := map[int64]bool{}
	for _, t := range traces {
		ids[t.first.id], ids[t.last.id] = true, true
	}
	exact := map[int64]osprofiler.Notification{}
	for chunk := range slices.Chunk(sorted(ids), pageRows) {
		where := l.oneOf(chunk) + " AND " + l.dialect.Contains(exactKey)
		for r, err := range each(l.pagesBehind(ctx, 0, where)) {
			if err != nil {
				return nil, err
			}
			if n, err := decode(r); err == nil {
				exact[r.id] = n
			}
		}
	}
	return exact, nil
}

// A first is the first notification of a trace.
type first struct {
	osprofiler.Notification

	whole bool // whether the data column was read
}

// readFirsts reads the first rows of traces if the query asks for them, or if
// the traces are listed by rows other than the first.
func (l *listing) readFirsts(ctx context.Context, traces []*trace) (map[int64]*first, error) {
	firsts := map[int64]*first{}
	if !l.q.First && !l.q.Failed {
		return firsts, nil
	}
	for _, t := range traces {
		firsts[t.first.id] = &first{}
	}
	data, most := fmt.Sprintf("CASE WHEN %s THEN %s END", l.dialect.Contains(exactKey), l.dialect.Text()), pageRows
	if l.q.First {
		data, most = l.dialect.Text(), firstRows
	}
	for r, err := range each(l.pagesOf(ctx, sorted(firsts), data, most)) {
		if err != nil {
			return nil, err
		}
		*firsts[r.id] = l.firstOf(r)
	}
	return firsts, nil
}

// firstOf makes a first from a row whose data column may not have been read.
func (l *listing) firstOf(r *Row) first {
	if r.data.Valid || l.q.First {
		n, err := decode(r)
		if err == nil {
			return first{n, true}
		}
		if l.q.First {
			l.damages = append(l.damages, l.damage(r, false, err))
		}
	}
	c := &r.columns
	return first{Notification: osprofiler.Notification{
		BaseID: c[colBaseID].String, Timestamp: c[colTimestamp].String,
		Name: c[colName].String, Service: c[colService].String, Project: c[colProject].String,
	}}
}
