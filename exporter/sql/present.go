package sql

import (
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

// traceIDs returns what the column trace_id says of notifications, each once.
func (s *Store) traceIDs(batch []osprofiler.Notification) (ids []string) {
	met := make(map[string]bool, len(batch))
	for i := range batch {
		id := s.alphabet.spelled(colTraceID, shortened(colTraceID, backend.Text(batch[i].TraceID)).String)
		if !met[id] {
			met[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// missing returns those of the rows that are not stored, equal ones once.
func missing(rows, stored []Row) []Row {
	there := make(map[string][]*Row, len(rows)) // by trace_id
	for i := range stored {
		id := stored[i].columns[colTraceID].String
		there[id] = append(there[id], &stored[i])
	}
	missing := make([]Row, 0, len(rows))
	for i := range rows {
		id := rows[i].columns[colTraceID].String
		if !slices.ContainsFunc(there[id], rows[i].sameAs) {
			there[id] = append(there[id], &rows[i])
			missing = append(missing, rows[i])
		}
	}
	return missing
}

// sameAs tells whether a row that was read is this one. A database may have
// written its data in another way.
func (r *Row) sameAs(read *Row) bool {
	if r.columns != read.columns || r.data == read.data {
		return r.columns == read.columns
	}
	ours, err := r.inner()
	theirs, err2 := read.inner()
	return err == nil && err2 == nil && ours == theirs
}
