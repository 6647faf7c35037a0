package reader_test

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
	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// filled writes the notifications into a new store and returns its connection string.
func filled(t *testing.T, scheme string, all []osprofiler.Notification) string {
	t.Helper()
	s := scheme + ":///" + filepath.Join(t.TempDir(), "store")
	into, err := store.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(into.Write(t.Context(), all), into.Close()); err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T, connectionString string, opts ...reader.Option) *reader.Reader {
	t.Helper()
	r, err := reader.Open(t.Context(), connectionString, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Real traces, written to a store and read back, give the report of the
// notifications themselves; the spans are as many as the operations.
func TestReaderOfRealTraces(t *testing.T) {
	var all []osprofiler.Notification
	want := map[string]string{}
	for _, path := range openstack(t) {
		seq := sequence(t, readLines(t, path+".jsonl")...)
		r, err := reader.BuildReport(seq)
		if err != nil {
			t.Fatal(err)
		}
		want[r.BaseID] = encode(t, r)
		all = append(all, notifications(t, seq)...)
	}
	for _, scheme := range []string{"file", "sqlite"} {
		t.Run(scheme, func(t *testing.T) {
			r := open(t, filled(t, scheme, all))
			for baseID, want := range want {
				report, err := r.Report(t.Context(), baseID)
				if err != nil {
					t.Fatal(err)
				}
				if got := encode(t, report); got != want {
					t.Errorf("%s: got %.500s\nwant %.500s", baseID, got, want)
				}
				operations, spans := int64(0), int64(0)
				for _, s := range report.Stats {
					operations += s.Count
				}
				for _, err := range r.Spans(t.Context(), baseID) {
					if err != nil {
						t.Fatal(err)
					}
					spans++
				}
				if spans != operations {
					t.Errorf("%d spans, %d operations", spans, operations)
				}
			}
			if got := len(traces(t, r.Traces(t.Context(), store.Query{}))); got != len(want) {
				t.Errorf("%d traces are listed, want %d", got, len(want))
			}
			if got := len(traces(t, r.ErrorTraces(t.Context(), store.Query{}))); got != 3 {
				t.Errorf("%d error traces are listed, want 3", got)
			}
		})
	}
}

func traces(t *testing.T, seq iter.Seq2[store.Trace, error]) (all []store.Trace) {
	t.Helper()
	for trace, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, trace)
	}
	return all
}

// Upstream's SQL driver keeps less under raw_payload: what its report of the
// sample trace holds, ours of the SQL store holds too.
func TestUpstreamReportOfSQL(t *testing.T) {
	lines := readLines(t, "testdata/show_a.jsonl") // newest first, as Redis gives them
	slices.Reverse(lines)
	want, err := os.ReadFile("testdata/show_a.sql.json")
	if err != nil {
		t.Fatal(err)
	}
	all := notifications(t, sequence(t, lines...))
	r, err := open(t, filled(t, "sqlite", all), reader.WithUpstreamAnswers()).Report(t.Context(), all[0].BaseID)
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(t, r); got != string(want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestReportOfNoTrace(t *testing.T) {
	cycle := notifications(t, sequence(t, event("a-start", "1", "1", 0)))
	path := filled(t, "file", cycle)
	if _, err := open(t, path).Report(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v should be ErrNotFound", err)
	}
	if _, err := open(t, path, reader.WithUpstreamAnswers()).Report(t.Context(), "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v: upstream does not find a trace without a top", err)
	}
	if r, err := open(t, path).Report(t.Context(), "b"); err != nil || len(r.Children) != 1 {
		t.Errorf("%v, %v: ours shows it", r, err)
	}
}

func TestTruncatedLinesAreWarnings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	text := event("a-start", "1", "b", 0) + "\n" + `{"name": "a-stop", "base_id": "b", "trace` + "\n" + event("a-stop", "1", "b", 1000) + "\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := open(t, "file:///"+path)
	report, err := r.Report(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	wantShape(t, report, "a 0-1")
	if len(report.Warnings) != 1 || !strings.HasPrefix(report.Warnings[0], "skipped ") {
		t.Errorf("the warnings are %q", report.Warnings)
	}
}

func TestOpenFails(t *testing.T) {
	for _, connectionString := range []string{"", "gopher://x", "file:///" + filepath.Join(t.TempDir(), "missing")} {
		if r, err := reader.Open(t.Context(), connectionString); err == nil || r != nil {
			t.Errorf("%q was opened", connectionString)
		}
	}
}

// listing is a store that only lists, in upstream's way: what a sequence of
// traces and errors says.
type listing struct {
	store.Store
	entries  []any
	declared store.Upstream
}

func (l *listing) Upstream() store.Upstream {
	if l.declared.Driver != "" {
		l.declared.Traces = l.yield
	}
	return l.declared
}

func (l *listing) yield(context.Context) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		for _, e := range l.entries {
			trace, _ := e.(store.Trace)
			err, _ := e.(error)
			if !yield(trace, err) {
				return
			}
		}
	}
}

func (l *listing) Notifications(context.Context, string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, e := range l.entries {
			if err, ok := e.(error); ok && !yield(osprofiler.Notification{}, err) {
				return
			}
		}
	}
}

// A query chooses among what upstream lists: the window is half-open, a limit
// takes the newest, damage is passed through, and any other error ends it.
func TestUpstreamListing(t *testing.T) {
	at := func(id, second string) store.Trace {
		return store.Trace{BaseID: id, Timestamp: "2024-05-06T07:08:" + second + ".000000"}
	}
	damage := &store.Damage{Place: "row 7", Reason: errors.New("torn")}
	fatal := errors.New("gone")
	moment := func(second int) time.Time { return time.Date(2024, 5, 6, 7, 8, second, 0, time.UTC) }
	for name, c := range map[string]struct {
		entries []any
		query   store.Query
		want    string
	}{
		"all in upstream's order":     {[]any{at("b", "02"), at("a", "03"), at("c", "01")}, store.Query{}, "b a c"},
		"the newest first":            {[]any{at("b", "02"), at("a", "03"), at("c", "01"), at("d", "04")}, store.Query{Limit: 2}, "d a"},
		"more than there are":         {[]any{at("b", "02"), at("a", "03")}, store.Query{Limit: 9}, "a b"},
		"a window":                    {[]any{at("b", "02"), at("a", "03"), at("c", "01")}, store.Query{Since: moment(2), Until: moment(3)}, "b"},
		"damage":                      {[]any{at("b", "02"), damage, at("a", "03")}, store.Query{}, "b skipped row 7: torn a"},
		"damage with a limit":         {[]any{at("b", "02"), damage, at("a", "03")}, store.Query{Limit: 1}, "skipped row 7: torn a"},
		"an error ends it":            {[]any{at("b", "02"), fatal, at("a", "03")}, store.Query{}, "b gone"},
		"an error, with a limit":      {[]any{at("b", "02"), fatal, at("a", "03")}, store.Query{Limit: 5}, "gone"},
		"one without a readable time": {[]any{store.Trace{BaseID: "x", Timestamp: "soon"}, at("a", "03")}, store.Query{Limit: 1}, "a"},
		"equal times, by the base id": {[]any{at("b", "02"), at("c", "02"), at("a", "02")}, store.Query{Limit: 2}, "c b"},
	} {
		r := reader.New(&listing{entries: c.entries, declared: store.Upstream{Driver: "test"}}, reader.WithUpstreamAnswers())
		var got []string
		for trace, err := range r.Traces(t.Context(), c.query) {
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			got = append(got, trace.BaseID)
		}
		if joined := strings.Join(got, " "); joined != c.want {
			t.Errorf("%s: %s, want %s", name, joined, c.want)
		}
	}
}

func TestErrorTracesUnsupported(t *testing.T) {
	for name, r := range map[string]*reader.Reader{
		"a store that cannot":  reader.New(&listing{}),
		"a driver that cannot": reader.New(&listing{declared: store.Upstream{Driver: "sqlalchemy"}}, reader.WithUpstreamAnswers()),
	} {
		count := 0
		for _, err := range r.ErrorTraces(t.Context(), store.Query{}) {
			if count++; !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v should be ErrUnsupported", name, err)
			}
		}
		if count != 1 {
			t.Errorf("%s: %d answers, want one error", name, count)
		}
	}
}

func TestErrorsOfTheStore(t *testing.T) {
	damage := &store.Damage{Place: "row 7", Reason: errors.New("torn")}
	if _, err := reader.New(&listing{entries: []any{damage}}).Report(t.Context(), "b"); err == nil || err.Error() != `nothing of the trace "b" can be read: skipped row 7: torn` {
		t.Errorf("all of it is damaged, but %v", err)
	}
	fatal := errors.New("gone")
	if _, err := reader.New(&listing{entries: []any{damage, fatal}}).Report(t.Context(), "b"); !errors.Is(err, fatal) {
		t.Errorf("the store's error should be %v, not %v", fatal, err)
	}
	many := make([]any, 30)
	for i := range many {
		many[i] = damage
	}
	r, err := reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) {
		for range 30 {
			if !yield(osprofiler.Notification{}, damage) {
				return
			}
		}
		yield(osprofiler.ParseNotification(event("a-start", "1", "b", 0)))
	})
	if err != nil || len(r.Warnings) != 22 || r.Warnings[20] != "skipped 10 more entries that cannot be read" {
		t.Errorf("%v, %q", err, r.Warnings)
	}
}
