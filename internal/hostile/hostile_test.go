package hostile

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"

	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
)

// The same seed results in the same notifications, and all of them are different.
func TestNotifications(t *testing.T) {
	first, second := Notifications(1, 5000), Notifications(1, 5000)
	seen := map[string]bool{}
	for i := range first {
		if text := first[i].JSON(); text != second[i].JSON() || seen[text] {
			t.Fatalf("notification %d: %s", i, short(text))
		}
		seen[first[i].JSON()] = true
	}
}

// A store of lines of JSON returns all of them.
func TestCheck(t *testing.T) {
	s, err := store.Open(t.Context(), "file://"+t.TempDir()+"/traces.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all := Notifications(2, 3000)
	Write(t, s, all)
	Check(t, s, all)
	CheckDelete(t, s, all)
	var p problems
	p.trace(t.Context(), s, all[0].BaseID+"x", []osprofiler.Notification{all[0]})
	if len(p) != 1 {
		t.Errorf("a trace that is missing gives the problems %q", p)
	}
}
