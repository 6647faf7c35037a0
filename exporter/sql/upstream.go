package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Upstream implements store.Upstreamer: the payload is only what stands in the
// data column, a node's host is the one beside info if there is one, traces
// are listed by their first row, and failed ones not at all.
func (s *Store) Upstream() store.Upstream {
	return store.Upstream{Driver: "sqlalchemy", Payload: s.payload, Host: host, Traces: s.firstRows}
}

func (s *Store) payload(n *osprofiler.Notification) string {
	_, inner := s.encodeInner(n)
	return inner
}

// host is null, as the column is, where the notification tells none.
func host(n *osprofiler.Notification) (raw string, ok bool) {
	if raw, ok := n.Member(hostKey); ok {
		return raw, true
	}
	if raw, ok := n.Info.Get(hostKey); ok {
		return raw, true
	}
	return "null", true
}

// firstRows lists the first row of each trace, in the order in which upstream
// gets the rows.
func (s *Store) firstRows(ctx context.Context) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		behind := ""
		for more := true; more; {
			var traces []store.Trace
			err := s.use(ctx, func() (err error) {
				traces, behind, err = s.firstRowsBehind(ctx, behind)
				return err
			})
			if err != nil {
				yield(store.Trace{}, err)
				return
			}
			for _, trace := range traces {
				if err := s.alive(ctx); err != nil {
					yield(store.Trace{}, err)
					return
				}
				if !yield(trace, nil) {
					return
				}
			}
			more = len(traces) == pageRows
		}
	}
}

// firstRowsBehind returns a page behind a place, and the last place in it.
func (s *Store) firstRowsBehind(ctx context.Context, behind string) (traces []store.Trace, last string, err error) {
	place, argument := s.dialect.Place()
	var from string
	var args []any
	if behind != "" {
		from, args = fmt.Sprintf("%s > %s AND ", place, argument), []any{behind}
	}
	rows, err := s.queryRows(ctx, fmt.Sprintf(
		"SELECT %[1]s, base_id, timestamp FROM data AS this WHERE %[2]sNOT EXISTS "+
			"(SELECT 1 FROM data AS earlier WHERE %[3]s AND earlier.%[1]s < this.%[1]s) ORDER BY %[1]s LIMIT %[4]d",
		place, from, s.dialect.Same("earlier.base_id", "this.base_id"), pageRows), args...)
	if err != nil {
		return nil, behind, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	last = behind
	for rows.Next() {
		var baseID, timestamp sql.NullString
		if err := rows.Scan(&last, &baseID, &timestamp); err != nil {
			return nil, behind, err
		}
		traces = append(traces, store.Trace{BaseID: baseID.String, Timestamp: timestamp.String})
	}
	return traces, last, rows.Err()
}
