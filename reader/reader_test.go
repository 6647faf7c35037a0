package reader_test

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/readertest"
	"github.com/osprofiler-otel/osprofiler/reader/python"
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

func openPython(t *testing.T, connectionString string) *python.Reader {
	t.Helper()
	r, err := python.Open(t.Context(), connectionString)
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

// Real traces that were written to a store and read back give the same report as the
// notifications themselves. There are as many spans as operations.
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
			if got := len(traces(t, r.Traces(t.Context(), store.Query{Failed: true}))); got != 3 {
				t.Errorf("%d error traces are listed, want 3", got)
			}
		})
	}
}

func traces(t *testing.T, seq iter.Seq2[store.Summary, error]) (all []store.Summary) {
	t.Helper()
	for trace, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, trace)
	}
	return all
}

func TestReportOfNoTrace(t *testing.T) {
	cycle := notifications(t, sequence(t, event("a-start", "1", "1", 0)))
	path := filled(t, "file", cycle)
	if _, err := open(t, path).Report(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v should be ErrNotFound", err)
	}
	if _, err := openPython(t, path).Report(t.Context(), "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v: Python does not find a trace without a top", err)
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
	for _, connectionString := range []string{"", "gopher://x"} {
		if r, err := reader.Open(t.Context(), connectionString); err == nil || r != nil {
			t.Errorf("%q was opened", connectionString)
		}
	}
}

func TestErrorsOfTheStore(t *testing.T) {
	damage := &store.DamageError{Entry: "row 7", InTrace: true, Reason: errors.New("torn")}
	if _, err := reader.New(readertest.Driver{Entries: []any{damage}}.Store()).Report(t.Context(), "b"); err == nil || err.Error() != `nothing of the trace "b" can be read: skipped row 7: torn` {
		t.Errorf("all of it is damaged, but %v", err)
	}
	fatal := errors.New("gone")
	if _, err := reader.New(readertest.Driver{Entries: []any{damage, fatal}}.Store()).Report(t.Context(), "b"); !errors.Is(err, fatal) {
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

// Open does not connect. A missing store is detected when it is read.
func TestMissingStore(t *testing.T) {
	r := open(t, "file:///"+filepath.Join(t.TempDir(), "missing"))
	if _, err := r.Report(t.Context(), "b"); err == nil {
		t.Error("there is a report of a store that does not exist")
	}
	for _, err := range r.Traces(t.Context(), store.Query{}) {
		if err == nil {
			t.Error("there is a trace in a store that does not exist")
		}
	}
}

// Close of a Reader closes the store that Open opened, but not the store that was given to
// New.
func TestClose(t *testing.T) {
	all := notifications(t, sequence(t, event("a-start", "1", "b", 0)))
	s, err := store.Open(t.Context(), filled(t, "file", all))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := reader.New(s)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Report(t.Context(), "b"); err != nil {
		t.Errorf("the Reader closed the store of its caller: %v", err)
	}
	own, err := reader.Open(t.Context(), filled(t, "file", all))
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := own.Report(t.Context(), "b"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close the error is %v, want ErrClosed", err)
	}
}

// The report drops duplicates from the store, and warns of them.
func TestDuplicatesInTheStore(t *testing.T) {
	start := notifications(t, sequence(t, event("a-start", "1", "b", 0)))[0]
	stop := notifications(t, sequence(t, event("a-stop", "1", "b", 0)))[0]
	r, err := reader.New(readertest.Driver{Entries: []any{start, stop, start}}.Store()).Report(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	wantShape(t, r, "a 0-0")
	wantWarnings(t, r, `1 repeated notification was dropped: "a-start"`)
}
