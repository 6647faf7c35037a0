package testenv

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

var sqlServers = map[string]struct {
	start func(testing.TB) string
	open  func(at string) (*sql.DB, error)
	code  string
}{
	"postgresql": {PostgreSQL, func(at string) (*sql.DB, error) { return sql.Open("pgx", at) }, "40001"},
	"mariadb":    {MariaDB, mariaDBOpen, "1213 (40001)"},
}

// count returns the number of rows. It waits for rows that a commit is about to add.
func count(t *testing.T, db *sql.DB, want int) (n int) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM kept").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n >= want || time.Since(began) > patience {
			return n
		}
	}
}

// commit inserts a row in a transaction, and returns the error of its COMMIT.
func commit(t *testing.T, db *sql.DB, limit time.Duration) error {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, statement := range []string{"BEGIN", "INSERT INTO kept VALUES (1)"} {
		if _, err := c.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err = c.ExecContext(ctx, "COMMIT")
	return err
}

// Each fault has the documented effect on the rows and on the client, and happens
// the given number of times.
func TestProxyFailsCommits(t *testing.T) {
	for name, server := range sqlServers {
		t.Run(name, func(t *testing.T) {
			at := server.start(t)
			proxy, through := NewSQLProxy(t, at)
			direct, err := server.open(at)
			if err != nil {
				t.Fatal(err)
			}
			defer direct.Close()
			db, err := server.open(through)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), "CREATE TABLE kept (id int)"); err != nil {
				t.Fatal(err)
			}
			want := 0
			for kind, stored := range map[CommitKind]int{RolledBack: 0, Committed: 1, CutBefore: 0, CutAfter: 1, Unanswered: 1} {
				proxy.FailCommits(1, CommitFault{kind, server.code})
				limit := time.Minute
				if kind == Unanswered {
					limit = 6 * time.Second // long enough to send it even if the machine pauses
				}
				err := commit(t, db, limit)
				told := err != nil && strings.Contains(err.Error(), server.code[:4]) && strings.Contains(err.Error(), "40001")
				if answered := kind == RolledBack || kind == Committed; err == nil || told != answered {
					t.Errorf("%v: the client is told %v", kind, err)
				}
				want += stored
				if got := count(t, direct, want); got != want || proxy.FailedCommits() != 1 {
					t.Errorf("%v: %d rows, want %d; %d COMMITs failed", kind, got, want, proxy.FailedCommits())
				}
				if err := commit(t, db, time.Minute); err != nil {
					t.Errorf("after %v: %v", kind, err)
				}
				want++
			}
		})
	}
}
