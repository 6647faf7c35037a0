package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/store"
)

// sideBySide does the same work by turns through the store and by the bare
// client, so that both have the same table and the same noise, and reports how
// much longer the store takes, best tenth by best tenth. What prepare does is
// not counted in that.
func sideBySide(b *testing.B, prepare, ours, bare func()) {
	var own, others []time.Duration
	took := func(work func()) time.Duration {
		prepare()
		start := time.Now()
		work()
		return time.Since(start)
	}
	for b.Loop() {
		own, others = append(own, took(ours)), append(others, took(bare))
	}
	slices.Sort(own)
	slices.Sort(others)
	us, them := own[len(own)/10], others[len(others)/10]
	b.ReportMetric(float64(us.Microseconds()), "us/ours")
	b.ReportMetric(float64(them.Microseconds()), "us/bare")
	b.ReportMetric(float64(us)/float64(them), "ours/bare")
}

// trace returns the notifications of workload.Lines, with ids that no other call gave.
func trace(b *testing.B, count int) []osprofiler.Notification {
	b.Helper()
	own := osprofiler.NewID()
	all := make([]osprofiler.Notification, count)
	for i, line := range workload.Lines(count) {
		n, err := osprofiler.ParseNotification(strings.ReplaceAll(line, `"a0000000-0000-4000`, `"`+own[:18]))
		if err != nil {
			b.Fatal(err)
		}
		all[count-1-i] = osprofiler.Notification{
			Name: n.Name, BaseID: n.BaseID, TraceID: n.TraceID, ParentID: n.ParentID,
			Timestamp: n.Timestamp, Info: n.Info, Project: n.Project, Service: n.Service,
		}
	}
	return all
}

// columns are those that upstream inserts, in its order.
var columns = []string{"timestamp", "base_id", "parent_id", "trace_id", "project", "host", "service", "name", "data"}

// rowsOf are what a bare client would insert for notifications.
func rowsOf(all []osprofiler.Notification) [][]any {
	rows := make([][]any, len(all))
	for i, n := range all {
		inner := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(`{"info": ` + string(n.Info) + `}`)
		rows[i] = []any{n.Timestamp, n.BaseID, n.ParentID, n.TraceID, n.Project, n.Info.Host(), n.Service, n.Name, `"` + inner + `"`}
	}
	return rows
}

// bareWriters are the best way of each client to insert many rows.
var bareWriters = map[string]func(b *testing.B, at string) func(rows [][]any){
	"postgresql": func(b *testing.B, at string) func(rows [][]any) {
		conn, err := pgx.Connect(b.Context(), at)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close(context.Background()) })
		return func(rows [][]any) {
			err := pgx.BeginFunc(b.Context(), conn, func(tx pgx.Tx) error {
				_, err := tx.CopyFrom(b.Context(), pgx.Identifier{"data"}, columns, pgx.CopyFromRows(rows))
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	},
	"mariadb": func(b *testing.B, at string) func(rows [][]any) {
		db := foreign(b, at)
		return func(rows [][]any) {
			tx, err := db.BeginTx(b.Context(), nil)
			if err != nil {
				b.Fatal(err)
			}
			statement := "INSERT INTO data (" + strings.Join(columns, ", ") + ") VALUES " + strings.TrimPrefix(strings.Repeat(", (?, ?, ?, ?, ?, ?, ?, ?, ?)", len(rows)), ", ")
			if _, err := tx.ExecContext(b.Context(), statement, slices.Concat(rows...)...); err != nil {
				b.Fatal(err)
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	},
}

// BenchmarkWrite stores batches of notifications that are new to the table.
func BenchmarkWrite(b *testing.B) {
	for name, place := range servers {
		b.Run(name, func(b *testing.B) {
			at := place(b)
			s, bare := open(b, at), bareWriters[name](b, at)
			var batch []osprofiler.Notification
			var rows [][]any
			sideBySide(b, func() { batch = trace(b, 1000); rows = rowsOf(batch) },
				func() {
					if err := s.Write(b.Context(), batch); err != nil {
						b.Fatal(err)
					}
				},
				func() { bare(rows) })
		})
	}
}

// fill writes traces of so many notifications.
func fill(b *testing.B, s store.Store, traces, count int) (baseID string) {
	b.Helper()
	var batch []osprofiler.Notification
	for i := range traces {
		one := trace(b, count)
		baseID = one[0].BaseID
		for j := range one {
			at, _ := one[j].Time()
			one[j].Timestamp = osprofiler.FormatTime(at.Add(time.Duration(i) * time.Second))
		}
		if batch = append(batch, one...); len(batch) >= 1000 || i == traces-1 {
			if err := s.Write(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	return baseID
}

// BenchmarkTrace reads a trace of 20,000 operations among 100 of 200.
func BenchmarkTrace(b *testing.B) {
	for name, place := range servers {
		b.Run(name, func(b *testing.B) {
			at := place(b)
			s, db := open(b, at), foreign(b, at)
			fill(b, s, 100, 400)
			baseID := fill(b, s, 1, 40_000)
			count := 0
			sideBySide(b, func() { count = 0 },
				func() {
					for _, err := range s.Notifications(b.Context(), baseID) {
						if count++; err != nil {
							b.Fatal(err)
						}
					}
				},
				func() {
					count = fetch(b, db, "SELECT id, "+strings.Join(columns, ", ")+" FROM data WHERE base_id = '"+baseID+"'")
				})
			if count != 40_000 {
				b.Errorf("%d came", count)
			}
		})
	}
}

// fetch reads all rows of a query, and keeps nothing.
func fetch(b *testing.B, db *sql.DB, query string) (count int) {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		b.Fatal(err)
	}
	values := make([]any, len(names))
	for i := range values {
		values[i] = new(sql.RawBytes)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			b.Fatal(err)
		}
		count++
	}
	return count
}

// BenchmarkList lists the newest traces, beside the one statement that gives
// the same.
func BenchmarkList(b *testing.B) {
	const traces, limit = 20_000, 100
	for name, place := range servers {
		b.Run(name, func(b *testing.B) {
			at := place(b)
			s, db := open(b, at), foreign(b, at)
			fill(b, s, traces, 4)
			count := 0
			sideBySide(b, func() { count = 0 },
				func() {
					for _, err := range s.Traces(b.Context(), store.Query{Limit: limit}) {
						if count++; err != nil {
							b.Fatal(err)
						}
					}
				},
				func() {
					count += fetch(b, db, fmt.Sprintf("SELECT base_id, min(timestamp) FROM data GROUP BY base_id ORDER BY 2 DESC LIMIT %d", limit))
				})
			if count != limit {
				b.Errorf("%d came", count)
			}
		})
	}
}
