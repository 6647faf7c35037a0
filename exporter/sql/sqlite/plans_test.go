package sqlite_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// The statements use the table's indexes. Without the indexes, lists would
// become slow as the table grows.
func TestPlans(t *testing.T) {
	_, path := openNew(t)
	db := foreign(t, path)
	const (
		page = "id <= ? AND timestamp IS NOT NULL AND timestamp >= ? AND timestamp <= ? ORDER BY timestamp DESC, id DESC"
		next = "id <= ? AND timestamp IS NOT NULL AND timestamp <= ? AND (timestamp < ? OR id < ?) ORDER BY timestamp DESC, id DESC"
	)
	for _, c := range []struct {
		statement string
		want      []string
	}{
		{"SELECT id, base_id, timestamp, name FROM data WHERE " + page, []string{"ix_data_timestamp"}},
		{"SELECT id, base_id, timestamp, name FROM data WHERE +service = ? AND " + next, []string{"ix_data_timestamp"}},
		{"SELECT id FROM data WHERE base_id IN (?) ORDER BY id", []string{"COVERING INDEX ix_data_base_id"}},
		{"SELECT data FROM data WHERE id IN (1,2,4) ORDER BY id LIMIT 3", []string{"INTEGER PRIMARY KEY (rowid=?)"}},
		{"SELECT data FROM data WHERE id BETWEEN 1 AND 3 ORDER BY id LIMIT 3", []string{"INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"SELECT min(base_id), count(*), min(id), min(timestamp || substr('0' || id, -19)), max(timestamp || substr('0' || id, -19)), min(CASE WHEN data LIKE '%etype%' THEN id END) " +
			"FROM data WHERE base_id IN (?, ?) AND id <= ? GROUP BY base_id", []string{"ix_data_base_id"}},
		{"SELECT id FROM data WHERE data LIKE '%etype%' AND " + next, []string{"ix_data_timestamp"}},
		{"DELETE FROM data WHERE id IN (1,2,4)", []string{"INTEGER PRIMARY KEY (rowid=?)"}},
		{"SELECT id, base_id FROM data WHERE id > ? AND base_id IN (?) ORDER BY id LIMIT 900", []string{"ix_data_base_id"}},
		{"SELECT DISTINCT trace_id FROM data WHERE trace_id IN (?, ?)", []string{"COVERING INDEX ix_data_trace_id"}},
		{"SELECT data FROM data WHERE id > ? AND id <= ? AND base_id IN (?) AND data LIKE '%etype%' ORDER BY id", []string{"ix_data_base_id"}},
		{"SELECT data FROM data WHERE id > ? AND id IN (1,2,4) AND data LIKE '%osp_columns%' ORDER BY id", []string{"INTEGER PRIMARY KEY (rowid=?)"}},
		{"SELECT id FROM data AS this WHERE id > ? AND NOT EXISTS (SELECT 1 FROM data AS earlier WHERE earlier.base_id IS this.base_id AND earlier.id < this.id) ORDER BY id",
			[]string{"INTEGER PRIMARY KEY", "ix_data_base_id"}},
		{"SELECT data FROM data WHERE trace_id IN (?, ?) ORDER BY id + 0 DESC LIMIT 128", []string{"ix_data_trace_id"}},
	} {
		plan := explain(t, db, c.statement)
		for _, want := range c.want {
			if !strings.Contains(plan, want) {
				t.Errorf("%s\ndoes not use %s:\n%s", c.statement, want, plan)
			}
		}
		if strings.Contains(plan, "TEMP B-TREE") && !strings.Contains(c.statement, "id + 0") {
			t.Errorf("%s\nsorts:\n%s", c.statement, plan)
		}
	}
}

func explain(t *testing.T, db *sql.DB, statement string) (plan string) {
	t.Helper()
	args := make([]any, strings.Count(statement, "?"))
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan += fmt.Sprintln(" ", detail)
	}
	return plan
}
