package sql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// events are those that a listing is about.
type events interface {
	// page returns the first events that a condition holds for, the last row
	// looked at, nil if there is no more, and what could not be read. More
	// events than wanted may be of no use; 0 stands for all.
	page(ctx context.Context, wanted int, where string, args ...any) (page []event, last *event, damages []error, err error)
	// firsts returns of each of the traces the time of the first event, and
	// for traces without a time the lowest id. Others may be among them, where
	// the database takes different ids for the same.
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

// note keeps the earlier of two events of a trace.
func note(firsts map[string]event, e event) {
	if first, met := firsts[e.baseID]; !met || e.before(first) {
		firsts[e.baseID] = e
	}
}

// inTraces is the condition that an event belongs to one of the traces, by
// what the column says.
func inTraces[T any](baseIDs []T) (where string, args []any) {
	where = "base_id IN (" + placeholders(len(baseIDs)) + ")"
	for _, id := range baseIDs {
		args = append(args, id)
		if any(id) == "" {
			where = "(base_id IS NULL OR " + where + ")"
		}
	}
	return where, args
}

// eventRows is how many events a listing reads at once.
const eventRows = 500

// allEvents are all rows.
type allEvents struct{ *Store }

func (a allEvents) page(ctx context.Context, _ int, where string, args ...any) (page []event, last *event, _ []error, err error) {
	page, err = a.query(ctx, fmt.Sprintf("SELECT id, coalesce(base_id, ''), coalesce(timestamp, '') FROM data WHERE %s LIMIT %d", where, eventRows), args...)
	if len(page) == eventRows {
		last = &page[eventRows-1]
	}
	return page, last, nil, err
}

func (a allEvents) firsts(ctx context.Context, upTo int64, baseIDs []string) (map[string]event, error) {
	firsts := map[string]event{}
	if len(baseIDs) == 0 {
		return firsts, nil
	}
	where, args := inTraces(baseIDs)
	page, err := a.query(ctx, fmt.Sprintf("SELECT min(id), coalesce(min(%[1]s), ''), coalesce(min(%[2]s), '') FROM data WHERE %[3]s AND id <= ? GROUP BY %[1]s",
		a.dialect.Exact("base_id"), a.dialect.Unindexed("timestamp"), where), append(args, upTo)...)
	for _, e := range page {
		note(firsts, e)
	}
	return firsts, err
}

func (s *Store) query(ctx context.Context, query string, args ...any) (events []event, err error) {
	err = eachFound(ctx, s.db, s.dialect.Rebind(query), args, func(found *sql.Rows) error {
		var e event
		err := found.Scan(&e.id, &e.baseID, &e.timestamp)
		events = append(events, e)
		return err
	})
	return events, err
}

// failures are the rows whose info has an etype that is not null.
type failures struct{ *Store }

// mayFail finds them and some others.
func (f failures) mayFail() string { return f.dialect.Text() + " LIKE '%etype%'" }

// page reads no more than may be wanted: the next row that failed may be far away.
func (f failures) page(ctx context.Context, wanted int, where string, args ...any) (page []event, last *event, damages []error, err error) {
	most := pageRows
	if wanted > 0 {
		most = min(most, wanted)
	}
	condition, order, _ := strings.Cut(where, " ORDER BY ")
	rows, more, err := f.Store.page(ctx, most, condition+" AND "+f.mayFail()+" ORDER BY "+order, args...)
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
	for _, id := range baseIDs { // one by one: so the index on base_id is used
		where, args := inTraces([]string{id})
		where = "id > ? AND id <= ? AND " + where + " AND " + f.mayFail() + " ORDER BY id"
		for behind, more := int64(0), true; more; {
			rows, further, err := f.Store.page(ctx, pageRows, where, append([]any{behind, upTo}, args...)...)
			if err != nil {
				return nil, err
			}
			for i := range rows {
				behind = rows[i].id
				if e, failed, err := f.failure(&rows[i]); err == nil && failed {
					note(firsts, e)
				}
			}
			more = further
		}
	}
	return firsts, nil
}
