package python_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/reader/internal/readertest"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Python's SQL driver returns a part of each notification. Python's report of the
// sample trace from a SQL store has the same parts.
func TestReportOfSQL(t *testing.T) {
	lines := readLines(t, "../testdata/show_a.jsonl") // newest first, as Redis gives them
	slices.Reverse(lines)
	want, err := os.ReadFile("../testdata/show_a.sql.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), "sqlite:///"+filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []osprofiler.Notification
	for n, err := range sequence(t, lines...) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	if err := s.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	r, err := python.New(s).Report(t.Context(), all[0].BaseID)
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(t, r); got != string(want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// listing returns a Reader of a store whose driver of the Python library is test. The driver
// lists the entries, which are rows and errors.
func listing(entries []any) *python.Reader {
	return python.New(readertest.Driver{Python: store.PythonAnswers{
		Driver: "test",
		Traces: func(context.Context, []string) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for _, e := range entries {
					row, _ := e.(string)
					err, _ := e.(error)
					if !yield(row, err) {
						return
					}
				}
			}
		},
	}}.Store())
}

// A query selects among the rows of Python's driver. The time window is half-open. A limit
// selects the newest rows. Reports of damage are passed on, and any other error ends the
// sequence.
func TestListing(t *testing.T) {
	at := func(id, second string) string {
		return `{"base_id": "` + id + `", "timestamp": "2024-05-06T07:08:` + second + `.000000"}`
	}
	damage := &store.DamageError{Entry: "row 7", Reason: errors.New("torn")}
	fatal := errors.New("gone")
	clock := func(second int) time.Time { return time.Date(2024, 5, 6, 7, 8, second, 0, time.UTC) }
	for name, c := range map[string]struct {
		entries []any
		query   python.Query
		want    string
	}{
		"all in Python's order":       {[]any{at("b", "02"), at("a", "03"), at("c", "01")}, python.Query{}, "b a c"},
		"the newest first":            {[]any{at("b", "02"), at("a", "03"), at("c", "01"), at("d", "04")}, python.Query{Limit: 2}, "d a"},
		"more than there are":         {[]any{at("b", "02"), at("a", "03")}, python.Query{Limit: 9}, "a b"},
		"a window":                    {[]any{at("b", "02"), at("a", "03"), at("c", "01")}, python.Query{Since: clock(2), Until: clock(3)}, "b"},
		"damage":                      {[]any{at("b", "02"), damage, at("a", "03")}, python.Query{}, "b skipped row 7: torn a"},
		"damage with a limit":         {[]any{at("b", "02"), damage, at("a", "03")}, python.Query{Limit: 1}, "skipped row 7: torn a"},
		"an error ends it":            {[]any{at("b", "02"), fatal, at("a", "03")}, python.Query{}, "b gone"},
		"an error, with a limit":      {[]any{at("b", "02"), fatal, at("a", "03")}, python.Query{Limit: 5}, "gone"},
		"one without a readable time": {[]any{`{"base_id": "x", "timestamp": "soon"}`, at("a", "03")}, python.Query{Limit: 1}, "a"},
		"equal times, by the base id": {[]any{at("b", "02"), at("c", "02"), at("a", "02")}, python.Query{Limit: 2}, "c b"},
	} {
		r := listing(c.entries)
		var got []string
		for trace, err := range r.Traces(t.Context(), c.query) {
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			got = append(got, trace.BaseID())
		}
		if joined := strings.Join(got, " "); joined != c.want {
			t.Errorf("%s: %s, want %s", name, joined, c.want)
		}
	}
}

func TestFailedTracesUnsupported(t *testing.T) {
	count := 0
	for _, err := range python.New(readertest.Driver{Python: store.PythonAnswers{Driver: "sqlalchemy"}}.Store()).FailedTraces(t.Context(), python.Query{}) {
		if count++; !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v should be ErrUnsupported", err)
		}
	}
	if count != 1 {
		t.Errorf("%d answers, want one error", count)
	}
}

// The fields of the query are requested from the driver. With a window or a limit, the fields
// that select the rows are requested, too.
func TestFieldsOfAListing(t *testing.T) {
	var asked []string
	r := python.New(readertest.Driver{Python: store.PythonAnswers{
		Driver: "test",
		Traces: func(_ context.Context, fields []string) iter.Seq2[string, error] {
			asked = fields
			return func(func(string, error) bool) {}
		},
	}}.Store())
	for _, c := range []struct {
		query python.Query
		want  []string
	}{
		{python.Query{}, nil},
		{python.Query{Limit: 3}, nil},
		{python.Query{Fields: []string{"name", "info"}}, []string{"name", "info"}},
		{python.Query{Fields: []string{"name"}, Limit: 3}, []string{"name", "base_id", "timestamp"}},
		{python.Query{Fields: []string{"timestamp"}, Since: time.Now()}, []string{"timestamp", "base_id"}},
	} {
		for _, err := range r.Traces(t.Context(), c.query) {
			t.Fatal(err)
		}
		if !slices.Equal(asked, c.want) {
			t.Errorf("%+v: the driver was asked for %q, want %q", c.query, asked, c.want)
		}
	}
}

// If Python has no driver for a store, the first notification of each trace is listed.
func TestListingOfOtherStores(t *testing.T) {
	r := python.New(readertest.Driver{Entries: []any{
		osprofiler.Notification{Name: "a-stop", BaseID: "b", TraceID: "1", Timestamp: "2024-05-06T07:08:02.000000", Info: `{"etype": "E", "host": "h"}`},
		osprofiler.Notification{Name: "a-start", BaseID: "b", TraceID: "1", Timestamp: "2024-05-06T07:08:01.000000", Info: `{"host": "h"}`},
		osprofiler.Notification{Name: "c-start", BaseID: "d", TraceID: "2", Timestamp: "2024-05-06T07:08:03.000000"},
	}}.Store())
	for name, c := range map[string]struct {
		rows iter.Seq2[python.Row, error]
		want []python.Row
	}{
		"the default fields": {r.Traces(t.Context(), python.Query{}), []python.Row{
			`{"base_id": "b", "timestamp": "2024-05-06T07:08:01.000000"}`, `{"base_id": "d", "timestamp": "2024-05-06T07:08:03.000000"}`,
		}},
		"other fields": {r.Traces(t.Context(), python.Query{Fields: []string{"name", "info.host"}}), []python.Row{
			`{"name": "a-start", "info": {"host": "h"}}`, `{"name": "c-start", "info": {}}`,
		}},
		"failed": {r.FailedTraces(t.Context(), python.Query{}), []python.Row{`{"base_id": "b", "timestamp": "2024-05-06T07:08:02.000000"}`}},
	} {
		var got []python.Row
		for row, err := range c.rows {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
