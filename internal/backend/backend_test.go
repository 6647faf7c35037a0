package backend_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

func parse(t interface{ Fatal(...any) }, text string) osprofiler.Notification {
	n, err := osprofiler.ParseNotification(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUnique(t *testing.T) {
	var u backend.Unique
	for i, c := range []struct {
		text  string
		first bool
	}{
		{`{"name": "a", "info": {"x": 1, "y": 2}}`, true},
		{`{"name": "a", "info": {"x": 1, "y": 2}}`, false},
		{`{"info": {"y": 2, "x": 1}, "name": "\u0061"}`, false},
		{`{"name": "a", "info": {"x": 1.0, "y": 2}}`, true},
		{`{"name": "a", "info": {"x": 1.00, "y": 2}}`, false},
		{`{"name": "a", "info": {"x": 1, "y": 2}, "extra": null}`, true},
		{`{"name": "a", "info": {"x": 1, "y": 2}, "extra": null}`, false},
		{`{"name": "b", "info": {"x": 1, "y": 2}}`, true},
		{`{}`, true},
		{`{"name": null}`, true},
		{`{"name": ""}`, true},
		{`{}`, false},
	} {
		if got := u.First(parse(t, c.text)); got != c.first {
			t.Errorf("%d: First(%s) = %v", i, c.text, got)
		}
	}
}

// Unique keeps exactly what comparing each with each keeps.
func TestUniqueLaw(t *testing.T) {
	texts := []string{
		`{"name": "a", "trace_id": "1"}`, `{"trace_id": "1", "name": "a"}`, `{"name": "a", "trace_id": 1}`,
		`{"name": "a", "trace_id": "1", "info": {}}`, `{"name": "a", "trace_id": "1", "info": {"k": [1, {"z": NaN, "y": -0}]}}`,
		`{"name": "a", "trace_id": "1", "info": {"k": [1, {"y": 0, "z": NaN}]}}`, `{"name": "a", "trace_id": "1", "info": {"k": [{"y": 0, "z": NaN}, 1]}}`,
	}
	rapid.Check(t, func(t *rapid.T) {
		var u backend.Unique
		var kept []osprofiler.Notification
		for _, text := range rapid.SliceOf(rapid.SampledFrom(texts)).Draw(t, "texts") {
			n := parse(t, text)
			first := !slices.ContainsFunc(kept, n.Equal)
			if first {
				kept = append(kept, n)
			}
			if got := u.First(n); got != first {
				t.Fatalf("First(%s) = %v", text, got)
			}
		}
	})
}

// Events that agree in all fields do not make it slow: each is compared with
// its equals only.
func TestUniqueSameFields(t *testing.T) {
	var u backend.Unique
	start := time.Now()
	for i := range 50_000 {
		if !u.First(osprofiler.Notification{Info: osprofiler.Info(fmt.Sprintf(`{"i": %d}`, i))}) {
			t.Fatalf("%d is taken for a duplicate", i)
		}
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("50,000 took %v", d)
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain":        "plain",
		"\xff":         "\uFFFD",
		"a\x00":        "a\x00",
		"\xed\xa0\x80": "\xed\xa0\x80", // a lone surrogate stays one
	} {
		if got := backend.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFirsts(t *testing.T) {
	var f backend.Firsts
	for _, e := range []store.Trace{
		{BaseID: "b", Timestamp: "2024-01-02T00:00:01.000000"},
		{BaseID: "a", Timestamp: "2024-01-01T00:00:03.000000"},
		{BaseID: "a", Timestamp: "2024-01-01T00:00:01Z"}, // the first, whatever its form
		{BaseID: "a", Timestamp: ""},
		{BaseID: "none", Timestamp: ""},
		{BaseID: "odd", Timestamp: ""},
		{BaseID: "odd", Timestamp: "yesterday"},
		{BaseID: "late", Timestamp: "soon"},
		{BaseID: "late", Timestamp: "2024-01-03T00:00:00.000000"},
	} {
		f.Add(e.BaseID, e.Timestamp)
	}
	at := func(text string) time.Time {
		at, err := osprofiler.ParseTime(text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		q    store.Query
		want string
	}{
		{store.Query{}, "[{late 2024-01-03T00:00:00.000000} {b 2024-01-02T00:00:01.000000} {a 2024-01-01T00:00:01Z} {none } {odd yesterday}]"},
		{store.Query{Limit: 1}, "[{late 2024-01-03T00:00:00.000000}]"},
		{store.Query{Limit: 9, Since: at("2024-01-01T00:00:01")}, "[{late 2024-01-03T00:00:00.000000} {b 2024-01-02T00:00:01.000000} {a 2024-01-01T00:00:01Z}]"},
		{store.Query{Since: at("2024-01-01T00:00:01.5"), Until: at("2024-01-03T00:00:00")}, "[{b 2024-01-02T00:00:01.000000}]"},
	} {
		if got := fmt.Sprint(f.Traces(c.q)); got != c.want {
			t.Errorf("Traces(%+v)\n got %s\nwant %s", c.q, got, c.want)
		}
	}
}
