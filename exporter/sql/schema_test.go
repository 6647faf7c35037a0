package sql_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The table equals the table that the Python library's driver made, according to the server
// itself.
func TestSchema(t *testing.T) {
	t.Run("postgresql", func(t *testing.T) {
		at := testenv.PostgreSQL(t)
		open(t, at)
		db := foreign(t, at)
		columns := "\n" + strings.Join(strs(t, db, `SELECT '    ' || quote_ident(attname) || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
			FROM pg_attribute WHERE attrelid = 'data'::regclass AND attnum > 0 ORDER BY attnum`), ",\n") + "\n"
		text := read(t, "testdata/postgresql.sql")
		if !strings.Contains(text, "CREATE TABLE public.data ("+columns+");") {
			t.Errorf("the columns are %s, want those of\n%s", columns, text)
		}
		want := regexp.MustCompile(`(?m)^CREATE INDEX.*;$`).FindAllString(text, -1)
		for i := range want {
			want[i] = strings.TrimSuffix(want[i], ";")
		}
		got := strs(t, db, `SELECT indexdef FROM pg_indexes WHERE tablename = 'data' AND indexname <> 'data_pkey'`)
		sameSet(t, got, want)
		sameSet(t, strs(t, db, `SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'data'::regclass`), []string{"nextval('data_id_seq'::regclass)"})
	})
	t.Run("mariadb", func(t *testing.T) {
		at := testenv.MariaDB(t)
		db := foreign(t, at)
		execute(t, db, "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci") // as in the captured schema
		open(t, at)
		var name, got string
		if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE data").Scan(&name, &got); err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile(` AUTO_INCREMENT=\d+`).ReplaceAllString(read(t, "testdata/mysql.sql"), "")
		sameSet(t, lines(got), lines(want))
	})
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func lines(text string) (all []string) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		all = append(all, strings.TrimRight(line, ",;\n"))
	}
	return all
}

func sameSet(t testing.TB, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A table named data with other columns is refused.
func TestWrongTable(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		execute(t, foreign(t, at), "CREATE TABLE data (id INTEGER, x INTEGER)")
		for _, options := range []string{"", "osp_read_only"} {
			u := parse(t, at)
			u.RawQuery = options
			_, err := openAt(t.Context(), u.String())
			if err == nil || !strings.HasPrefix(err.Error(), "the table data of the database ") || !strings.Contains(err.Error(), " is not OSProfiler's, whose columns are id, timestamp, ") {
				t.Errorf("got %v", err)
			}
		}
	})
}

// Many stores that are opened at the same time make the table once.
func TestOpenedAtOnce(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				s, err := openAt(t.Context(), at)
				if err == nil {
					err = errors.Join(s.Write(t.Context(), []osprofiler.Notification{event("A", fmt.Sprint(i))}), s.Close())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := names(t, open(t, at), "A"); len(got) != 8 {
			t.Errorf("got %q", got)
		}
	})
}

// Somebody may have changed the types of columns, for example to search in
// data.
func TestColumnsOfOtherTypes(t *testing.T) {
	at := testenv.PostgreSQL(t)
	s := open(t, at)
	execute(t, foreign(t, at), "ALTER TABLE data ALTER COLUMN data TYPE jsonb, ALTER COLUMN id TYPE bigint, ALTER COLUMN name TYPE text, ALTER COLUMN timestamp TYPE varchar(64)")
	want := event("A\t\\N\n\r\\", "x-start")
	want.Info = `{"a": "\\ \" \t \u00e9", "host": "h"}`
	for range 2 {
		if err := s.Write(t.Context(), []osprofiler.Notification{want}); err != nil {
			t.Fatal(err)
		}
	}
	for n, err := range s.Notifications(t.Context(), want.BaseID) {
		if err != nil || !n.Equal(want) {
			t.Errorf("got %s (%v), want %s", n.JSON(), err, want.JSON())
		}
	}
	if rows := strs(t, foreign(t, at), "SELECT CAST(count(*) AS text) FROM data"); rows[0] != "1" {
		t.Errorf("there are %s rows", rows[0])
	}
}

// Where PostgreSQL refuses COPY, rows are inserted with a statement. A batch
// that is written again is stored once there, too.
func TestWithoutCopy(t *testing.T) {
	twice := func(t *testing.T, at string) {
		t.Helper()
		s := open(t, at)
		want := event("A\t\\N\n", "x-start")
		want.Project = ""
		for range 2 {
			if err := s.Write(t.Context(), []osprofiler.Notification{want, event("B", "x-start")}); err != nil {
				t.Fatal(err)
			}
		}
		count := 0
		for n, err := range s.Notifications(t.Context(), want.BaseID) {
			if count++; err != nil || !n.Equal(want) {
				t.Errorf("got %s (%v), want %s", n.JSON(), err, want.JSON())
			}
		}
		if count != 1 {
			t.Errorf("it came %d times", count)
		}
	}
	t.Run("view", func(t *testing.T) {
		at := testenv.PostgreSQL(t)
		open(t, at)
		execute(t, foreign(t, at), "ALTER TABLE data RENAME TO rows", "CREATE VIEW data AS SELECT * FROM rows", "ALTER VIEW data ALTER COLUMN id SET DEFAULT nextval('data_id_seq')")
		twice(t, at)
	})
	t.Run("row-level security", func(t *testing.T) {
		at := testenv.PostgreSQL(t)
		open(t, at)
		u := parse(t, at)
		account := "secured_" + strings.Trim(u.Path, "/")
		db := foreign(t, at)
		execute(t, db, "ALTER TABLE data ENABLE ROW LEVEL SECURITY", "CREATE POLICY everybody ON data USING (true) WITH CHECK (true)",
			"CREATE USER "+account+" PASSWORD 'pw'", "GRANT SELECT, INSERT ON data TO "+account, "GRANT USAGE ON SEQUENCE data_id_seq TO "+account)
		defer execute(t, db, "DROP OWNED BY "+account, "DROP USER "+account)
		u.User = url.UserPassword(account, "pw")
		twice(t, u.String())
	})
}
