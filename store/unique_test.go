package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
)

func parse(t interface{ Fatal(...any) }, text string) osprofiler.Notification {
	n, err := osprofiler.ParseNotification(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUnique(t *testing.T) {
	var u unique
	for i, c := range []struct {
		text string
		want bool
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
		{`{"name": "n", "trace_id": 1e2}`, true},
		{`{"name": "n", "trace_id": 100.0}`, false},
		{`{"name": "n", "trace_id": "100.0"}`, true},
		{`{"name": "n", "trace_id": 100.0, "trace_id": "100.0"}`, false},
	} {
		if got := u.add(parse(t, c.text)); got != c.want {
			t.Errorf("%d: add(%s) = %v", i, c.text, got)
		}
	}
}

// unique accepts exactly the notifications that a comparison of each with each accepts.
func TestUniqueLaw(t *testing.T) {
	texts := []string{
		`{"name": "a", "trace_id": "1"}`, `{"trace_id": "1", "name": "a"}`, `{"name": "a", "trace_id": 1}`,
		`{"name": "a", "trace_id": "1", "info": {}}`, `{"name": "a", "trace_id": "1", "info": {"k": [1, {"z": NaN, "y": -0}]}}`,
		`{"name": "a", "trace_id": "1", "info": {"k": [1, {"y": 0, "z": NaN}]}}`, `{"name": "a", "trace_id": "1", "info": {"k": [{"y": 0, "z": NaN}, 1]}}`,
	}
	rapid.Check(t, func(t *rapid.T) {
		var u unique
		var all []osprofiler.Notification
		for _, text := range rapid.SliceOf(rapid.SampledFrom(texts)).Draw(t, "texts") {
			n := parse(t, text)
			want := !slices.ContainsFunc(all, n.Equal)
			if want {
				all = append(all, n)
			}
			if got := u.add(n); got != want {
				t.Fatalf("add(%s) = %v", text, got)
			}
		}
	})
}

// Notifications that agree in all fields except info do not make unique slow: each is compared
// only with its equals.
func TestUniqueSameFields(t *testing.T) {
	var u unique
	start := time.Now()
	for i := range 50_000 {
		if !u.add(osprofiler.Notification{Info: osprofiler.Info(fmt.Sprintf(`{"i": %d}`, i))}) {
			t.Fatalf("%d counts as a duplicate", i)
		}
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("50,000 took %v", d)
	}
}
