package mongo_test

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The documents are captured from the Python library, with its answers about them.
var (
	//go:embed testdata/documents.json
	documentsText string
	//go:embed testdata/list_traces.json
	listTracesText string
	//go:embed testdata/list_traces_fields.json
	listTracesFieldsText string
	//go:embed testdata/list_error_traces.json
	listErrorTracesText string
)

// insertCaptured inserts the documents of documents.json.
func insertCaptured(t testing.TB, url string) {
	t.Helper()
	var captured struct {
		Collections map[string]struct {
			Documents []json.RawMessage `json:"documents"`
		} `json:"collections"`
	}
	if err := json.Unmarshal([]byte(documentsText), &captured); err != nil {
		t.Fatal(err)
	}
	if len(captured.Collections) != 2 {
		t.Fatalf("%d collections", len(captured.Collections))
	}
	db := bare(t, url)
	for name, c := range captured.Collections {
		for _, text := range c.Documents {
			var document bson.D
			if err := bson.UnmarshalExtJSON(text, true, &document); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Collection(name).InsertOne(t.Context(), document); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func answers(t testing.TB, s *store.Store) store.PythonAnswers {
	t.Helper()
	d, ok := driver.As[driver.PythonAnswerer](s.Driver())
	if !ok {
		t.Fatal("there are no answers of Python's driver")
	}
	return d.PythonAnswers()
}

// rows returns the rows of Python's list_traces.
func rows(t testing.TB, s *store.Store, fields []string) (all []string) {
	t.Helper()
	for row, err := range answers(t, s).Traces(t.Context(), fields) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// failedRows returns the rows of Python's list_error_traces.
func failedRows(t testing.TB, s *store.Store) (all []string) {
	t.Helper()
	for row, err := range answers(t, s).FailedTraces(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// elements returns the elements of a JSON list, as Python writes them on one line.
func elements(text string) (all []string) {
	for raw := range pyjson.Elements(text) {
		all = append(all, strings.TrimSpace(string(pyjson.Compact.Append(nil, raw))))
	}
	return all
}

// The listings equal the listings of the Python library, key for key. The traces have the
// order of the server's distinct.
func TestPythonAnswers(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		insertCaptured(t, url)
		s := open(t, url)
		for _, c := range []struct {
			name      string
			got       []string
			wanted    string
			isOrdered bool
		}{
			{"list_traces", rows(t, s, nil), listTracesText, false},
			{"list_traces with fields", rows(t, s, []string{"name", "info", "base_id"}), listTracesFieldsText, false},
			{"list_error_traces", failedRows(t, s), listErrorTracesText, true},
		} {
			got, want := elements("["+strings.Join(c.got, ", ")+"]"), elements(c.wanted)
			if !c.isOrdered {
				slices.Sort(got)
				slices.Sort(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got\n%s, want\n%s", c.name, got, want)
			}
		}
	})
}

// The documents of the Python library become its notifications, and are listed
// and deleted as ours are.
func TestPythonDocuments(t *testing.T) {
	const a = "a0000000-0000-4000-8000-000000000001"
	onEachServer(t, func(t *testing.T, url string) {
		insertCaptured(t, url)
		s := open(t, url)
		all := readBack(t, s, a)
		if len(all) != 8 {
			t.Fatalf("%d notifications", len(all))
		}
		const first = `{"name": "wsgi-start", "base_id": "a0000000-0000-4000-8000-000000000001", "trace_id": "a0000000-0000-4000-8000-000000000002", ` +
			`"parent_id": "a0000000-0000-4000-8000-000000000001", "timestamp": "2024-05-06T07:08:09.000010", "info": {"request": {"path": "/v2.1/servers", ` +
			`"query": "a=1&b=2", "method": "GET", "scheme": "http"}, "host": "host-1"}, "project": "nova", "service": "api"}`
		if got := all[0].JSON(); got != first {
			t.Errorf("got %s", got)
		}
		for _, q := range []store.Query{{}, {Limit: 5}, {Failed: true}} {
			listed, _ := list(t, s, q)
			want := store.Summary{
				BaseID: a, Timestamp: "2024-05-06T07:08:09.000010", LastTimestamp: "2024-05-06T07:08:09.008648", Notifications: 8, Operations: 4, Failures: 1,
				Name: "wsgi-start", Service: "api", Project: "nova", Failed: true, FirstFailure: "2024-05-06T07:08:09.007414",
			}
			if len(listed) != 2 || listed[0] != want {
				t.Errorf("listing %+v: %+v", q, listed)
			}
		}
		if n, err := s.Delete(t.Context(), a); n != 8 || err != nil || len(failedRows(t, s)) != 0 {
			t.Errorf("deleting: %d, %v", n, err)
		}
	})
}
