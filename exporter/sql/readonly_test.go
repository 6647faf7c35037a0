package sql_test

import (
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A chronicle is a server that logs each statement that it receives.
type chronicle struct {
	at, path  string
	statement *regexp.Regexp // its first group is the statement
}

// chronicles start a chronicle of each kind.
var chronicles = map[string]func(t *testing.T) chronicle{
	"postgresql": func(t *testing.T) chronicle {
		s := testenv.StartPostgreSQL(t, "-c", "log_statement=all")
		return chronicle{s.PostgreSQL(), filepath.Join(s.Dir(), "log"), regexp.MustCompile(`(?m)LOG:  (?:statement|execute [^:]*): ((?:.*\n(?:\t.*\n)*))`)}
	},
	"mariadb": func(t *testing.T) chronicle {
		s := testenv.StartMariaDB(t, "--general-log=1", "--general-log-file=statements")
		return chronicle{s.MariaDB(), filepath.Join(s.Dir(), "data", "statements"), regexp.MustCompile(`(?m) Query\t(.*\n)`)}
	},
}

// since returns the statements behind an offset in bytes of the log.
func (c *chronicle) since(t *testing.T, offset int64) (all []string) {
	t.Helper()
	text := read(t, c.path)[offset:]
	for _, match := range c.statement.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.TrimSpace(match[1]))
	}
	return all
}

func (c *chronicle) size(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(c.path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// reading matches the statements that change nothing, neither in the database
// nor for other sessions. Drivers send pings, and MySQL's driver sets the
// character set.
var (
	reading = regexp.MustCompile(`(?i)^(SELECT|SHOW|SET NAMES|-- ping) `)
	more    = regexp.MustCompile(`(?i)\b(INTO|FOR UPDATE|FOR SHARE|LOCK|nextval|setval|pg_advisory\w*|GET_LOCK)\b`)
)

func writing(statements []string) (all []string) {
	for _, statement := range statements {
		if !reading.MatchString(statement+" ") || more.MatchString(statement) {
			all = append(all, statement)
		}
	}
	return all
}

// With osp_read_only nothing is made or written, whatever rights the user has.
// According to its log, the server receives only queries.
func TestReadOnlySendsQueriesAlone(t *testing.T) {
	for name, start := range chronicles {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			empty := c.size(t)
			refused(t, withOption(t, c.at, "osp_read_only", "yes"), "the database ") // the database has no table yet
			if got := writing(c.since(t, empty)); len(got) > 0 {
				t.Errorf("without a table came %q", got)
			}
			owner := c.size(t)
			failed := event("A", "x-stop")
			failed.Info = `{"etype": "E", "host": "h"}`
			if err := open(t, c.at).Write(t.Context(), []osprofiler.Notification{event("A", "x-start"), failed}); err != nil {
				t.Fatal(err)
			}
			if got := writing(c.since(t, owner)); len(got) < 3 {
				t.Fatalf("of what the owner sent the log has only %q: nothing is tested", got)
			}
			reader := c.size(t)
			readEverything(t, open(t, withOption(t, c.at, "osp_read_only", "yes")))
			sent := c.since(t, reader)
			if got := writing(sent); len(got) > 0 || len(sent) < 8 {
				t.Errorf("a reader sent %q, of which %q do not only read", sent, got)
			}
		})
	}
}

func withOption(t *testing.T, at, name, value string) string {
	t.Helper()
	u := parse(t, at)
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// readEverything calls every reading method of a store, and tries to write.
func readEverything(t *testing.T, s *store.Store) {
	t.Helper()
	if got := names(t, s, "A"); len(got) != 2 {
		t.Errorf("read %q", got)
	}
	count := 0
	list := func(listed iter.Seq2[store.Summary, error]) {
		for _, err := range listed {
			if err != nil {
				t.Error(err)
			}
			count++
		}
	}
	for _, q := range []store.Query{{}, {Limit: 1}} {
		list(s.Traces(t.Context(), q))
		q.Failed = true
		list(s.Traces(t.Context(), q))
	}
	for _, err := range s.PythonAnswers().Traces(t.Context(), nil) {
		if err != nil {
			t.Error(err)
		}
		count++
	}
	var cursor store.Cursor
	for range 2 { // the second poll continues after the first
		f, err := s.Feed(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range f.Poll(t.Context()) {
			if err != nil {
				t.Error(err)
			}
			count++
		}
		cursor = f.Cursor()
	}
	if count != 7 {
		t.Errorf("%d entries were read, want 7", count)
	}
	if err := s.Write(t.Context(), []osprofiler.Notification{event("B", "x")}); err == nil {
		t.Error("Write was not refused")
	}
	if _, err := s.Delete(t.Context(), "A"); err == nil {
		t.Error("Delete was not refused")
	}
}
