package sql_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
)

// A trace of many pages is read completely and in order: if its rows are alone
// and if they are among other rows, if some are missing, and if a page ends
// early because its rows are large.
func TestLongTrace(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		var want []string
		write := func(count, size int, among bool) {
			var batch []osprofiler.Notification
			for range count {
				n := event("A", fmt.Sprintf("%d-start", len(want)))
				n.Info = osprofiler.Info(`{"x": "` + strings.Repeat("x", size) + `", "host": "h"}`)
				want = append(want, n.Name)
				if batch = append(batch, n); among {
					batch = append(batch, event("B", n.Name))
				}
			}
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		write(2000, 1, false)
		write(1500, 1, true)
		write(70, 100_000, false)
		write(70, 100_000, true)
		write(5, 1, false)
		db := foreign(t, at)
		for _, lost := range []int{3640, 3500, 1999, 1000, 0} {
			execute(t, db, fmt.Sprintf("DELETE FROM data WHERE base_id = 'A' AND name = '%d-start'", lost))
			want = append(want[:lost], want[lost+1:]...)
		}
		got := names(t, s, "A")
		if len(got) != len(want) {
			t.Fatalf("%d notifications came, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("notification %d is %s, want %s", i, got[i], want[i])
			}
		}
		for n, err := range s.Notifications(t.Context(), "A") { // the caller need not take all notifications
			if err != nil || n.Name != want[0] {
				t.Errorf("the first is %s (%v)", n.Name, err)
			}
			break
		}
		if got := names(t, s, "B"); len(got) != 1570 {
			t.Errorf("of the other trace, %d came", len(got))
		}
	})
}

// The database looks up each row of a page by its id, and finds the ids by the
// index, even if the planner has no statistics about the table.
func TestPlansOfPages(t *testing.T) {
	explained := map[string]func(t *testing.T, db *sql.DB, condition string) string{
		"postgresql": func(t *testing.T, db *sql.DB, condition string) string {
			return strings.Join(strs(t, db, "EXPLAIN SELECT * FROM data WHERE "+condition), "\n")
		},
		"mariadb": func(t *testing.T, db *sql.DB, condition string) (key string) {
			var ignored sql.NullString
			if err := db.QueryRowContext(t.Context(), "EXPLAIN SELECT * FROM data WHERE "+condition).
				Scan(&ignored, &ignored, &ignored, &ignored, &ignored, &key, &ignored, &ignored, &ignored, &ignored); err != nil {
				t.Fatal(err)
			}
			return key
		},
	}
	onServers(t, func(t *testing.T, name, at string) {
		s := open(t, at)
		batch := make([]osprofiler.Notification, 4000)
		for i := range batch {
			batch[i] = event("A", fmt.Sprint(i))
		}
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		var list []string
		for i := range 900 {
			list = append(list, fmt.Sprint(2*i+1))
		}
		in := "id IN (" + strings.Join(list, ",") + ")"
		want := "PRIMARY"
		if name == "postgresql" {
			in, want = "id = ANY(ARRAY(SELECT unnest(CAST('{"+strings.Join(list, ",")+"}' AS bigint[]))))", "data_pkey"
		}
		for _, condition := range []string{in, "id BETWEEN 1000 AND 1899"} {
			if plan := explained[name](t, foreign(t, at), condition+" ORDER BY id LIMIT 900"); !strings.Contains(plan, want) {
				t.Errorf("%.40s… does not use %s:\n%s", condition, want, plan)
			}
		}
	})
}

// Texts that have a meaning in COPY, in a statement or in a pattern are stored
// unchanged.
func TestTextsAreOnlyTexts(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		var batch []osprofiler.Notification
		for _, text := range []string{`\N`, `\.`, "\t", "a\tb", "\n", "\r\n", `\`, `\\`, `a\`, `\t`, `"`, `'`, `';--`, "\b\f\v\x01\x7f", ",", "{}", "é😀\u2028", ""} {
			n := event("A", text)
			n.Service, n.Project, n.TraceID, n.ParentID = text, text, "of "+text, text
			n.Info = n.Info.With("x", `"\\N\t\n\\."`)
			batch = append(batch, n)
		}
		for range 2 {
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		i := 0
		for got, err := range s.Notifications(t.Context(), "A") {
			if err != nil {
				t.Fatal(err)
			}
			if i == len(batch) || !got.Equal(batch[i]) {
				t.Fatalf("notification %d is %s", i, got.JSON())
			}
			i++
		}
		if rows := strs(t, foreign(t, at), "SELECT count(*) FROM data"); i != len(batch) || rows[0] != fmt.Sprint(len(batch)) {
			t.Errorf("%d of %d notifications came, and the table has %s rows", i, len(batch), rows[0])
		}
	})
}
