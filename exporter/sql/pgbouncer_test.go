package sql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// A pooler may give every transaction another session. No statement of the
// store depends on an earlier session.
func TestStoreBehindPgBouncer(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place:       testenv.PgBouncer,
		Unreachable: func(testing.TB) string { return "postgresql://u:p@127.0.0.1:1/d" },
	})
}

// sessions returns the ids of the server's sessions that a connection gets, one
// after another.
func sessions(t *testing.T, at string) (pids []string) {
	t.Helper()
	u := parse(t, at)
	u.RawQuery = "default_query_exec_mode=exec"
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 20 {
		var pid string
		if err := c.QueryRowContext(t.Context(), "SELECT pg_backend_pid()::text").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// More services than the pooler has sessions open the store at the same time.
// One of them makes the store. All of them write and read at the same time.
func TestManyWritersBehindPgBouncer(t *testing.T) {
	at := testenv.PgBouncer(t)
	const services, batches, each = 12, 15, 20
	var group sync.WaitGroup
	for i := range services {
		group.Go(func() {
			if err := serve(t, at, i, batches, each); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := sessions(t, at); len(got) < 2 {
		t.Errorf("one connection had the sessions %q: nothing was tested", got)
	}
	s := open(t, at)
	for i := range services {
		got := names(t, s, fmt.Sprint("trace ", i))
		slices.Sort(got)
		if len(got) != batches*each || len(slices.Compact(got)) != batches*each {
			t.Errorf("service %d: %d notifications are there, want %d, each once", i, len(got), batches*each)
		}
	}
}

// serve writes its trace, each batch twice, and reads the trace in between.
func serve(t *testing.T, at string, i, batches, each int) (err error) {
	s, err := openAt(t.Context(), at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	id := fmt.Sprint("trace ", i)
	for b := range batches {
		batch := make([]osprofiler.Notification, each)
		for j := range batch {
			batch[j] = event(id, fmt.Sprintf("%d-%d", b, j))
		}
		for range 2 {
			if err := s.Write(t.Context(), batch); err != nil {
				return err
			}
		}
		count := 0
		for _, err := range s.Notifications(t.Context(), id) {
			if err != nil {
				return err
			}
			count++
		}
		if count != (b+1)*each {
			return fmt.Errorf("%s: %d notifications after %d batches", id, count, b+1)
		}
	}
	return nil
}

// When the pooler or the server behind it refuses something, opening the store
// reports it as with the server itself.
func TestPgBouncerRefuses(t *testing.T) {
	at := testenv.PgBouncer(t)
	u := parse(t, at)
	place := strings.Trim(u.Path, "/") + `" at ` + u.Host
	refused(t, at+"?options=-c%20statement_timeout%3D1000", `the database "`+place+": unsupported startup parameter: options (08P01)")
	u.User = url.UserPassword(testenv.User, "geheim")
	refused(t, u.String(), "PostgreSQL at "+u.Host+` refuses the user "`+testenv.User+`": `)
	u.User = url.UserPassword("nobody", "geheim")
	refused(t, u.String(), "PostgreSQL at "+u.Host+` refuses the user "nobody": `)
	u = parse(t, at)
	u.Path = "/osp_none"
	refused(t, u.String(), "PostgreSQL at "+u.Host+` has no database "osp_none"`)
}
