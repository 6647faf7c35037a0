package interop

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"hash/maphash"
	"iter"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/store"
)

//go:embed testdata/matrix.py
var driverScript string

// A row holds the tests of a back end with a version of the Python library.
type row struct {
	backend
	library     string // "" if Python has no driver
	interpreter string
	all         []trace
	cells       map[string]string // results by column
	remarks     map[string]string // notes by column
	written     int               // how often write stored the traces
}

// answers holds the results of Python's driver.
type answers struct {
	Driver       outcome[any]
	Written      outcome[int] // the first error, and the number of errors
	Reports      []outcome[json.RawMessage]
	List, Errors outcome[[]entry]
}

// An entry is one line of a listing.
type entry struct {
	BaseID    string `json:"base_id"`
	Timestamp string `json:"timestamp"`
}

func (r *row) findPython(t *testing.T) {
	t.Helper()
	switch r.library {
	case "debian":
		r.interpreter = testenv.Python(t)
	case "newest":
		r.interpreter = testenv.NewPython(t)
	}
}

// cell runs the test of a column, or a part of it, and records the result.
func (r *row) cell(t *testing.T, column string, test func(t *testing.T)) {
	t.Helper()
	if ok := t.Run(column, test); !ok {
		r.cells[column] = "FAILED"
	} else if r.cells[column] == "" {
		r.cells[column] = "ok"
	}
}

// weWrite fills a store with our writer. Then our reader and Python read it.
func (r *row) weWrite(t *testing.T, at string) {
	r.cell(t, weWriteAndRead, func(t *testing.T) {
		r.write(t, at)
		r.sameTraces(t, at)
	})
	r.listings(t, at)
	if r.library != "" {
		result := r.ask(t, at, nil, r.all)
		r.cell(t, weWritePythonReads, func(t *testing.T) { r.sameReports(t, weWritePythonReads, at, r.all, result.Reports) })
		r.sameListings(t, at, result)
	}
	r.cell(t, twice, func(t *testing.T) {
		r.write(t, at)
		r.sameTraces(t, at)
		if r.library != "" {
			read := r.some()
			r.sameReports(t, twice, at, read, r.ask(t, at, nil, read).Reports)
		}
	})
}

// pythonWrites fills a store with Python's driver. Then our reader and Python
// read it.
func (r *row) pythonWrites(t *testing.T, at string) {
	result := r.ask(t, at, r.all, r.all)
	if r.fails[pythonWritesWeRead][r.library] != "" {
		r.cell(t, pythonWritesWeRead, func(t *testing.T) { r.works(t, pythonWritesWeRead, result.Written.Error) })
		return
	}
	if lost := r.loses[r.library]; lost != "" {
		r.remarks[pythonWritesWeRead] = "the store refuses some notifications of Python's driver: " + lost
		r.cell(t, pythonWritesWeRead, func(t *testing.T) {
			if !strings.HasPrefix(result.Written.Error, lost) {
				t.Errorf("the error of Python's driver that writes is %q, want %q", result.Written.Error, lost)
			}
			r.onlyLost(t, at, result.Written.Value)
		})
		return
	}
	if raised := r.raises[r.library]; raised != "" {
		r.remarks[pythonWritesWeRead] = "Python's driver raises an error after it stored a failure: " + raised
	}
	if got, want := result.Written.Error, r.raises[r.library]; got != want && (want == "" || !strings.HasPrefix(got, want)) {
		t.Fatalf("the error of Python's driver that writes is %q, want %q", got, want)
	}
	r.cell(t, pythonWritesWeRead, func(t *testing.T) {
		r.sameTraces(t, at)
		r.sameReports(t, pythonWritesWeRead, at, r.all, result.Reports)
	})
	r.listings(t, at)
	r.sameListings(t, at, result)
}

// write stores each trace in one batch, as an exporter does.
func (r *row) write(t *testing.T, at string) {
	t.Helper()
	writeTraces(t, at, r.withFirst(r.all))
	r.written++
}

// withFirst returns the traces to write, with one more first notification if Python
// loses it.
func (r *row) withFirst(all []trace) []trace {
	if !r.dropsFirst || len(all) == 0 {
		return all
	}
	first := all[0]
	first.notifications = first.notifications[:1]
	return append([]trace{first}, all...)
}

func writeTraces(t *testing.T, at string, all []trace) {
	t.Helper()
	s, err := store.Open(t.Context(), at, store.WithFilterErrorTrace(true))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, tr := range all {
		// As an exporter does: a busy broker may refuse to declare a queue for a while.
		if err := (store.Retry{}).Write(t.Context(), s, tr.notifications); err != nil {
			t.Fatalf("%s: %v", tr.name, err)
		}
	}
}

// sameTraces checks that the store returns each notification once.
func (r *row) sameTraces(t *testing.T, at string) {
	t.Helper()
	s, err := store.Open(t.Context(), at, store.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	seed := maphash.MakeSeed()
	for _, tr := range r.all {
		want, got := map[uint64]int{}, map[uint64]int{}
		for i := range tr.notifications {
			want[pyjson.Hash(seed, tr.notifications[i].JSON())] = 1
		}
		for n, err := range s.Notifications(t.Context(), tr.baseID) {
			if err != nil {
				t.Fatalf("%s: %v", tr.name, err)
			}
			got[pyjson.Hash(seed, n.JSON())]++
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %d different notifications were written, and %d read; some differ or were read twice", tr.name, len(want), len(got))
		}
	}
}

// onlyLost checks that the store returns each notification once, except as many as
// Python's driver could not store.
func (r *row) onlyLost(t *testing.T, at string, lost int) {
	t.Helper()
	s, err := store.Open(t.Context(), at, store.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	seed, missing := maphash.MakeSeed(), 0
	for _, tr := range r.all {
		left := map[uint64]bool{}
		for i := range tr.notifications {
			left[pyjson.Hash(seed, tr.notifications[i].JSON())] = true
		}
		for n, err := range s.Notifications(t.Context(), tr.baseID) {
			h := pyjson.Hash(seed, n.JSON())
			if err != nil || !left[h] {
				t.Errorf("%s: read %v, %v", tr.name, n, err)
			}
			delete(left, h)
		}
		missing += len(left)
	}
	if missing != lost || lost == 0 {
		t.Errorf("%d notifications are missing, and Python's driver could not store %d", missing, lost)
	}
}

// sameReports checks that Python's answer of our reader equals Python's reports.
func (r *row) sameReports(t *testing.T, column, at string, read []trace, theirs []outcome[json.RawMessage]) {
	t.Helper()
	if len(theirs) != len(read) {
		t.Fatalf("%d reports of %d traces", len(theirs), len(read))
	}
	rd := r.pythonReader(t, at)
	for i, tr := range read {
		if r.fails[weWritePythonReads][r.library] != "" {
			r.works(t, weWritePythonReads, theirs[i].Error)
			continue
		}
		if r.library == "debian" && len(tr.notifications) == 1 {
			r.remarks[column] = "Python fails to report on a trace without a stop: " + unfinished
			if theirs[i].Error != unfinished {
				t.Errorf("%s: the error of Python's driver is %q, want %q", tr.name, theirs[i].Error, unfinished)
			}
			continue
		}
		if theirs[i].Error != "" {
			t.Errorf("%s: Python fails: %s", tr.name, theirs[i].Error)
			continue
		}
		ours, err := rd.Report(t.Context(), tr.baseID)
		if r.unordered {
			checkReportAs(t, siblingsSorted, tr, string(theirs[i].Value), ours, err)
			continue
		}
		checkReport(t, tr, string(theirs[i].Value), ours, err)
	}
}

// siblingsSorted sorts siblings that start in the same millisecond by their ids.
func siblingsSorted(text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return text
	}
	sortSiblings(root)
	sorted, err := json.Marshal(root)
	if err != nil {
		return text
	}
	return string(sorted)
}

func sortSiblings(node map[string]any) {
	children, _ := node["children"].([]any)
	of := func(value any) (started any, id string) {
		member, _ := value.(map[string]any)
		info, _ := member["info"].(map[string]any)
		id, _ = member["trace_id"].(string)
		return info["started"], id
	}
	together := func(a, b any) bool {
		first, _ := of(a)
		second, _ := of(b)
		return first == second
	}
	byID := func(a, b any) int {
		_, first := of(a)
		_, second := of(b)
		return strings.Compare(first, second)
	}
	for start := 0; start < len(children); {
		end := start + 1
		for end < len(children) && together(children[start], children[end]) {
			end++
		}
		slices.SortStableFunc(children[start:end], byID)
		start = end
	}
	for _, value := range children {
		if member, ok := value.(map[string]any); ok {
			sortSiblings(member)
		}
	}
}

func (r *row) reader(t *testing.T, at string) *reader.Reader {
	t.Helper()
	rd, err := reader.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rd.Close() })
	return rd
}

func (r *row) pythonReader(t *testing.T, at string) *python.Reader {
	t.Helper()
	rd, err := python.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rd.Close() })
	return rd
}

// listings checks our listings: all traces with the time of their first
// notification, and failed traces with the time of their first failure.
func (r *row) listings(t *testing.T, at string) {
	first := func(counts func(n *osprofiler.Notification) bool) (all []entry) {
		for _, tr := range r.all {
			var times []string
			for i := range tr.notifications {
				if n := &tr.notifications[i]; counts(n) {
					times = append(times, n.Timestamp)
				}
			}
			if len(times) > 0 {
				all = append(all, entry{tr.baseID, slices.Min(times)})
			}
		}
		return all
	}
	r.cell(t, list, func(t *testing.T) {
		want := first(func(*osprofiler.Notification) bool { return true })
		sameEntries(t, entries(r.reader(t, at).Traces(t.Context(), store.Query{}), traceEntry), want)
	})
	r.cell(t, listErrors, func(t *testing.T) {
		want := first(func(n *osprofiler.Notification) bool { return n.Info.Failed() })
		if len(want) < 3 {
			t.Fatalf("only %d traces failed: too few for this test", len(want))
		}
		sameEntries(t, entries(r.reader(t, at).Traces(t.Context(), store.Query{Failed: true}), failureEntry), want)
	})
}

// sameListings checks the listings of Python's driver, or its expected failures,
// and that Python's answer of our reader equals them.
func (r *row) sameListings(t *testing.T, at string, result answers) {
	r.cell(t, list, func(t *testing.T) {
		if r.works(t, list, result.List.Error) {
			sameEntries(t, entries(r.pythonReader(t, at).Traces(t.Context(), python.Query{}), rowEntry), result.List.Value)
		}
	})
	r.cell(t, listErrors, func(t *testing.T) {
		ours := entries(r.pythonReader(t, at).FailedTraces(t.Context(), python.Query{}), rowEntry)
		if r.works(t, listErrors, result.Errors.Error) {
			sameEntries(t, ours, result.Errors.Value)
			return
		}
		for _, err := range ours {
			if unsupported := r.fails[listErrors][r.library] == never[r.library]; err == nil || unsupported && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("Python's answer of our reader: %v, want an error; errors.ErrUnsupported: %v", err, unsupported)
			}
		}
	})
}

// works reports whether Python's driver succeeded, and checks that this is expected.
func (r *row) works(t *testing.T, column, failed string) bool {
	t.Helper()
	expected := r.fails[column][r.library]
	if (expected == "") != (failed == "") || !strings.HasPrefix(failed, expected) {
		t.Errorf("the error of Python's driver is %q, want %q", failed, expected)
	}
	return failed == ""
}

// entries turns a listing into entries.
func entries[T any](listed iter.Seq2[T, error], entryOf func(T) entry) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for t, err := range listed {
			if !yield(entryOf(t), err) {
				return
			}
		}
	}
}

func traceEntry(s store.Summary) entry   { return entry{s.BaseID, s.Timestamp} }
func failureEntry(s store.Summary) entry { return entry{s.BaseID, s.FirstFailure} }
func rowEntry(r python.Row) entry        { return entry{r.BaseID(), r.Timestamp()} }

func sameEntries(t *testing.T, listed iter.Seq2[entry, error], want []entry) {
	t.Helper()
	var got []entry
	for e, err := range listed {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	byID := func(a, b entry) int {
		return cmp.Or(strings.Compare(a.BaseID, b.BaseID), strings.Compare(a.Timestamp, b.Timestamp))
	}
	want = slices.SortedFunc(slices.Values(want), byID) // Redis has no order
	slices.SortFunc(got, byID)
	if !slices.Equal(got, want) {
		t.Errorf("listed:\n%v\nwant:\n%v", got, want)
	}
}

// some returns the traces that Python reads after they were written twice. On a bus, these
// are one of four, because each trace needs a place of its own.
func (r *row) some() (some []trace) {
	if r.apart == nil {
		return r.all
	}
	for i := 0; i < len(r.all); i += 4 {
		some = append(some, r.all[i])
	}
	return some
}

// ask has Python's driver write traces, report on some, and list all.
func (r *row) ask(t *testing.T, at string, write, read []trace) (result answers) {
	t.Helper()
	if expected := r.broken[r.library]; expected != "" {
		alone, _, _ := strings.Cut(at, ",") // the driver knows only one sentinel
		if got := r.run(t, alone, nil, nil, nil).Driver.Error; !strings.HasPrefix(got, expected) {
			t.Errorf("the error of Python's driver is %q, want %q", got, expected)
		}
	}
	if r.apart == nil {
		result = r.run(t, r.python(t, at), write, read, nil)
	} else {
		result = r.run(t, r.python(t, at), r.withFirst(write), nil, nil)
		result.Reports = r.run(t, r.python(t, at), nil, nil, r.apart(t, r, at, read, write != nil)).Reports
	}
	if result.Driver.Error != "" {
		t.Errorf("Python's driver: %s", result.Driver.Error)
	}
	return result
}

// run runs testdata/matrix.py with the Python library.
func (r *row) run(t *testing.T, at string, write, report []trace, places []place) (result answers) {
	t.Helper()
	ids := []string{}
	for _, tr := range report {
		ids = append(ids, tr.baseID)
	}
	read, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	asked := `{"write": ` + string(listOf(write)) + `, "read": ` + string(read) + `, "places": ` + listOfPlaces(places) + `}`
	cmd := exec.CommandContext(t.Context(), r.interpreter, "-c", driverScript, at)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(asked), &stderr
	out, err := cmd.Output()
	if err != nil || strings.Contains(stderr.String(), "Traceback") { // drivers log failures to store
		t.Fatalf("Python at %s: %v\n%s", at, err, stderr.String())
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("Python at %s answered %.500q: %v", at, out, err)
	}
	return result
}
