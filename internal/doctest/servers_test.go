package doctest

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Real servers carry out the statements of the documentation.
func TestStatements(t *testing.T) {
	blocks := map[string][]*block{}
	for _, page := range pages(t) {
		for _, b := range page {
			if c, err := b.class(); err == nil && c == servers {
				for name := range strings.SplitSeq(b.language+b.attrs["server"], ",") {
					name = strings.TrimPrefix(name, "sql")
					blocks[name] = append(blocks[name], b)
				}
			}
		}
	}
	for name, do := range map[string]func(*testing.T, []*block){"redis": onRedis, "postgresql": onPostgreSQL, "mariadb": onMariaDB} {
		t.Run(name, func(t *testing.T) { do(t, blocks[name]) })
		delete(blocks, name)
	}
	for name, of := range blocks {
		t.Errorf("%v: there is no server %q", of[0], name)
	}
}

func onRedis(t *testing.T, blocks []*block) {
	client := redis.NewClient(&redis.Options{Addr: testenv.StartRedis(t).Addr()})
	defer client.Close()
	for _, b := range blocks {
		for line := range strings.Lines(b.text) {
			var args []any
			for word := range strings.FieldsSeq(line) {
				args = append(args, word)
			}
			if err := client.Do(t.Context(), args...).Err(); err != nil {
				t.Errorf("%v: %s: %v", b, strings.TrimSpace(line), err)
			}
		}
	}
}

func onPostgreSQL(t *testing.T, blocks []*block) {
	server := testenv.User + ":" + testenv.Password + "@" + testenv.StartPostgreSQL(t).Addr()
	admin := open(t, "pgx", "postgresql://"+server+"/postgres")
	execute(t, admin, "CREATE DATABASE osp")
	db := open(t, "pgx", "postgresql://"+server+"/osp")
	execute(t, db, "CREATE ROLE service")
	makeTable(t, "postgresql://"+server+"/osp")
	onSQL(t, db, blocks)
}

func onMariaDB(t *testing.T, blocks []*block) {
	addr := testenv.StartMariaDB(t).Addr()
	admin := open(t, "mysql", testenv.User+":"+testenv.Password+"@tcp("+addr+")/mysql")
	execute(t, admin, "CREATE DATABASE IF NOT EXISTS osp")
	execute(t, admin, "CREATE USER service")
	makeTable(t, "mysql://"+testenv.User+":"+testenv.Password+"@"+addr+"/osp")
	onSQL(t, open(t, "mysql", testenv.User+":"+testenv.Password+"@tcp("+addr+")/osp"), blocks)
}

func onSQL(t *testing.T, db *sql.DB, blocks []*block) {
	for _, b := range blocks {
		for statement := range strings.SplitSeq(b.text, ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Errorf("%v: %s: %v", b, statement, err)
			}
		}
	}
}

func open(t *testing.T, driver, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// makeTable makes OSProfiler's table.
func makeTable(t *testing.T, connectionString string) {
	t.Helper()
	s, err := store.Open(context.Background(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}
