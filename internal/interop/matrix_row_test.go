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
	"github.com/osprofiler-otel/osprofiler/store"
)

//go:embed testdata/matrix.py
var driverScript string

// A row is one back end beside one Python library.
type row struct {
	backend
	library     string // "" where there is no driver
	interpreter string
	all         []trace
	cells       map[string]string // by column
	said        map[string]string // by column: what is to be noted of it
}

// answers are what upstream's driver said.
type answers struct {
	Driver       outcome[any]
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

// cell runs a column, or a part of it, and notes how it went.
func (r *row) cell(t *testing.T, column string, test func(t *testing.T)) {
	t.Helper()
	if ok := t.Run(column, test); !ok {
		r.cells[column] = "FAILED"
	} else if r.cells[column] == "" {
		r.cells[column] = "ok"
	}
}

// weWrite fills a store by ours, and has both sides read it.
func (r *row) weWrite(t *testing.T, at string) {
	r.cell(t, weWriteAndRead, func(t *testing.T) {
		r.write(t, at)
		r.sameTraces(t, at)
	})
	r.listings(t, at)
	if r.library != "" {
		said := r.ask(t, at, nil)
		r.cell(t, weWritePythonReads, func(t *testing.T) { r.sameReports(t, weWritePythonReads, at, said.Reports) })
		r.sameListings(t, at, said)
	}
	r.cell(t, twice, func(t *testing.T) {
		r.write(t, at)
		r.sameTraces(t, at)
		if r.library != "" {
			r.sameReports(t, twice, at, r.ask(t, at, nil).Reports)
		}
	})
}

// pythonWrites fills a store by upstream's driver, and has both sides read it.
func (r *row) pythonWrites(t *testing.T, at string) {
	said := r.ask(t, at, r.all)
	r.cell(t, pythonWritesWeRead, func(t *testing.T) {
		r.sameTraces(t, at)
		r.sameReports(t, pythonWritesWeRead, at, said.Reports)
	})
	r.listings(t, at)
	r.sameListings(t, at, said)
}

// write stores each trace in one batch, as an exporter does.
func (r *row) write(t *testing.T, at string) {
	t.Helper()
	s, err := store.Open(t.Context(), at, store.WithFilterErrorTrace(true))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, tr := range r.all {
		if err := s.Write(t.Context(), tr.notifications); err != nil {
			t.Fatalf("%s: %v", tr.name, err)
		}
	}
}

// sameTraces checks that the store gives back what was written, once.
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
			t.Errorf("%s: of %d notifications, %d came back, or others, or some more than once", tr.name, len(want), len(got))
		}
	}
}

// sameReports checks that upstream's reports and what we answer in its stead are one.
func (r *row) sameReports(t *testing.T, column, at string, theirs []outcome[json.RawMessage]) {
	t.Helper()
	if len(theirs) != len(r.all) {
		t.Fatalf("%d reports of %d traces", len(theirs), len(r.all))
	}
	rd := r.reader(t, at, reader.WithUpstreamAnswers())
	for i, tr := range r.all {
		if r.library == "debian" && len(tr.notifications) == 1 {
			r.said[column] = "upstream fails to report on a trace in which nothing stopped: " + unfinished
			if theirs[i].Error != unfinished {
				t.Errorf("%s: upstream's driver says %q, but is known to say %q", tr.name, theirs[i].Error, unfinished)
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

// siblingsSorted brings siblings that start in the same millisecond, which are
// neighbors, into the order of their ids.
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

func (r *row) reader(t *testing.T, at string, opts ...reader.Option) *reader.Reader {
	t.Helper()
	rd, err := reader.Open(t.Context(), at, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rd.Close() })
	return rd
}

// listings checks ours: every trace by its first event, and by the first that failed.
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
		sameEntries(t, r.reader(t, at).Traces(t.Context(), store.Query{}), want)
	})
	r.cell(t, listErrors, func(t *testing.T) {
		want := first(func(n *osprofiler.Notification) bool { return n.Info.Failed() })
		if len(want) < 3 {
			t.Fatalf("only %d traces failed: this proves little", len(want))
		}
		sameEntries(t, r.reader(t, at).ErrorTraces(t.Context(), store.Query{}), want)
	})
}

// sameListings checks that upstream's listings, or their failures, are what is
// known of them, and what we answer in their stead.
func (r *row) sameListings(t *testing.T, at string, said answers) {
	r.cell(t, list, func(t *testing.T) {
		if r.works(t, list, said.List.Error) {
			sameEntries(t, r.reader(t, at, reader.WithUpstreamAnswers()).Traces(t.Context(), store.Query{}), said.List.Value)
		}
	})
	r.cell(t, listErrors, func(t *testing.T) {
		ours := r.reader(t, at, reader.WithUpstreamAnswers()).ErrorTraces(t.Context(), store.Query{})
		if r.works(t, listErrors, said.Errors.Error) {
			sameEntries(t, ours, said.Errors.Value)
			return
		}
		for _, err := range ours {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("in upstream's stead: %v, want that it is not supported", err)
			}
		}
	})
}

// works tells whether upstream's driver did it, and checks that this is as known.
func (r *row) works(t *testing.T, column, failed string) bool {
	t.Helper()
	known := r.fails[column][r.library]
	if (known == "") != (failed == "") || !strings.HasPrefix(failed, known) {
		t.Errorf("upstream's driver says %q, but is known to say %q", failed, known)
	}
	return failed == ""
}

func sameEntries(t *testing.T, listed iter.Seq2[store.Trace, error], want []entry) {
	t.Helper()
	var got []entry
	for e, err := range listed {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, entry{e.BaseID, e.Timestamp})
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

// ask has upstream's driver write the traces, and then report on all and list them.
func (r *row) ask(t *testing.T, at string, write []trace) (said answers) {
	t.Helper()
	if known := r.broken[r.library]; known != "" {
		alone, _, _ := strings.Cut(at, ",") // it knows one sentinel
		if got := r.run(t, alone, nil).Driver.Error; !strings.HasPrefix(got, known) {
			t.Errorf("upstream's driver says %q, but is known to say %q", got, known)
		}
	}
	said = r.run(t, r.python(t, at), write)
	if said.Driver.Error != "" {
		t.Errorf("upstream's driver: %s", said.Driver.Error)
	}
	return said
}

// run runs the script beside the library.
func (r *row) run(t *testing.T, at string, write []trace) (said answers) {
	t.Helper()
	var ids []string
	for _, tr := range r.all {
		ids = append(ids, tr.baseID)
	}
	read, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), r.interpreter, "-c", driverScript, at)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(`{"write": `+string(listOf(write))+`, "read": `+string(read)+`}`), &stderr
	out, err := cmd.Output()
	if err != nil || strings.Contains(stderr.String(), "Traceback") { // drivers log what they could not store
		t.Fatalf("Python at %s: %v\n%s", at, err, stderr.String())
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatalf("Python at %s answered %.500q: %v", at, out, err)
	}
	return said
}
