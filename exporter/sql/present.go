package sql

import (
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
	met := make(map[Row]bool, len(rows)+len(stored)) // as they are spelled
	said := map[Row]bool{}                           // by what data says, as a database may have spelled it anew
	for _, r := range stored {
		met[r] = true
		said[r.unspelled()] = true
	}
	missing := make([]Row, 0, len(rows))
	for _, r := range rows {
		if met[r] || len(said) > 0 && said[r.unspelled()] {
			continue
		}
		met[r] = true
		missing = append(missing, r)
	}
	return missing
}

// unspelled is the row with what its data says instead of its data.
func (r *Row) unspelled() Row {
	inner, err := r.inner()
	if err != nil {
		return *r
	}
	plain := *r
	plain.data = text(inner)
	return plain
}
