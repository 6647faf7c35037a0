package exporter_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Notifications of real OpenStack traces are converted to spans, exported to a
// store and read back. All of them come out equal to the originals, compared as
// JSON values.
func TestRealTracesSurviveBeingSpans(t *testing.T) {
	files, err := filepath.Glob("../reader/testdata/openstack/*.jsonl")
	if err != nil || len(files) != 9 {
		t.Fatalf("%d real traces, want 9 (%v)", len(files), err)
	}
	for _, scheme := range []string{"sqlite", "file"} {
		connectionString := scheme + ":///" + strings.TrimPrefix(filepath.Join(t.TempDir(), "store"), "/")
		if scheme == "sqlite" {
			connectionString = "sqlite:////" + strings.TrimPrefix(connectionString, "sqlite:///")
		}
		exp, err := exporter.Open(t.Context(), connectionString)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			t.Run(fmt.Sprint(scheme, " ", filepath.Base(path)), func(t *testing.T) {
				sent := notificationsIn(t, path)
				var spans []sdktrace.ReadOnlySpan
				for s, err := range convert.New().Spans(slicesAll(sent)) {
					if err != nil {
						t.Fatal(err)
					}
					spans = append(spans, s)
				}
				if err := exp.ExportSpans(t.Context(), spans); err != nil {
					t.Fatal(err)
				}
				sameNotifications(t, connectionString, sent)
				sameSpans(t, connectionString, sent[0].BaseID, len(spans))
			})
		}
		if err := exp.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func notificationsIn(t *testing.T, path string) (all []osprofiler.Notification) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		n, err := osprofiler.ParseNotification(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func slicesAll(all []osprofiler.Notification) func(func(osprofiler.Notification, error) bool) {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, n := range all {
			if !yield(n, nil) {
				return
			}
		}
	}
}

// sameNotifications reports each notification that is missing or unexpected.
func sameNotifications(t *testing.T, connectionString string, want []osprofiler.Notification) {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString, store.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	left := slices.Clone(want)
	for n, err := range s.Notifications(t.Context(), want[0].BaseID) {
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(left, n.Equal)
		if i < 0 {
			t.Errorf("never sent: %s", n.JSON())
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, n := range left {
		t.Errorf("lost: %s", n.JSON())
	}
}

func sameSpans(t *testing.T, connectionString, baseID string, want int) {
	t.Helper()
	r, err := reader.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	got := 0
	for _, err := range r.Spans(t.Context(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != want {
		t.Errorf("%d spans are read, %d were written", got, want)
	}
}
