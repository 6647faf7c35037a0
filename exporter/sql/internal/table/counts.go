package table

import (
	"context"
	"database/sql"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// addCounts adds to the summaries the requested values that the statement of
// sumUp cannot count: the failed operations, and the operations of notifications
// without a trace id. Usually few traces have any of these. Unless the query
// asks for failed traces, addCounts also adds the first failure.
func (l *listing) addCounts(ctx context.Context, traces []*trace, summaries []driver.Summary) error {
	uncertain, failing := map[string]*counts{}, map[string]*counts{}
	for i, t := range traces {
		if !l.q.Matches(&summaries[i]) {
			continue
		}
		if t.uncertain {
			uncertain[t.baseID] = &counts{trace: t, summary: &summaries[i]}
		}
		if t.failure.id != 0 {
			failing[t.baseID] = &counts{trace: t, summary: &summaries[i]}
		}
	}
	if err := l.countOperations(ctx, uncertain); err != nil {
		return err
	}
	return l.countFailures(ctx, failing)
}

// counts is a trace whose operations are counted row by row.
type counts struct {
	*trace
	driver.Operations

	summary *driver.Summary
}

// countOperations counts the operations of traces by their rows.
func (l *listing) countOperations(ctx context.Context, traces map[string]*counts) error {
	err := l.rowsOf(ctx, traces, "", func(c *counts, _ int64, n *osprofiler.Notification) { c.Add(n, false) })
	for _, c := range traces {
		c.summary.Operations, _ = c.Count()
	}
	return err
}

// countFailures reads all rows of traces that may be failures. It asks for their
// ids first, because a statement that sorts and limits rows by id may make the
// database go through the whole table.
func (l *listing) countFailures(ctx context.Context, traces map[string]*counts) error {
	byID := map[int64]*counts{}
	condition := " AND " + l.dialect.Contains(failureWord)
	err := l.rowsOf(ctx, traces, condition, func(c *counts, id int64, _ *osprofiler.Notification) { byID[id] = c })
	if err != nil {
		return err
	}
	for r, err := range each(l.pagesOf(ctx, sorted(byID), l.dialect.Text(), firstRows)) {
		if err != nil {
			return err
		}
		n, err := decode(r)
		if err != nil || !n.Info.Failed() {
			continue
		}
		c := byID[r.id]
		c.Add(&n, true)
		timestamp := r.columns[colTimestamp]
		if at := (stamp{timestamp.Valid, timestamp.String, r.id}); !l.q.Failed && (!c.failed || at.isBefore(c.failure)) {
			c.failed, c.failure, c.failedAt = true, at, n.Timestamp
		}
	}
	for _, c := range traces {
		_, c.summary.Failures = c.Count()
		c.summary.Failed, c.summary.FirstFailure = c.failed, c.failedAt
	}
	return nil
}

// rowsOf calls add for the rows of traces that fulfil a condition, in any order.
// The notification has only the members that identify its operation.
func (l *listing) rowsOf(ctx context.Context, traces map[string]*counts, condition string, add func(c *counts, id int64, n *osprofiler.Notification)) error {
	if len(traces) == 0 {
		return nil
	}
	baseIDs := make([]string, 0, len(traces))
	for id := range traces {
		baseIDs = append(baseIDs, id)
	}
	where, args := inTraces(baseIDs)
	query := l.dialect.Rebind("SELECT id, coalesce(base_id, ''), coalesce(trace_id, ''), coalesce(parent_id, ''), coalesce(name, '') FROM data WHERE " +
		where + " AND id <= ?" + condition)
	_, err := l.reading(ctx, func() error {
		return eachRow(ctx, l.db, query, append(args, l.upTo), func(result *sql.Rows) error {
			var id int64
			var n osprofiler.Notification
			err := result.Scan(&id, &n.BaseID, &n.TraceID, &n.ParentID, &n.Name)
			if c := traces[n.BaseID]; err == nil && c != nil { // the collation may not distinguish base ids
				add(c, id, &n)
			}
			return err
		})
	})
	return err
}
