package relay_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	_ "github.com/osprofiler-otel/osprofiler/exporter/file" // file://
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// openFile opens a file store that does not wait for the disk.
func openFile(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "file://"+path+"?osp_sync=no")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// From file to file, a notification takes the same time among 400,000 as among 50,000: into
// an empty file, into one that has half of them, and into one that has all. Times are
// compared in soak tests only; TestCopyIsLinear counts the entries that are read.
func TestFileToFile(t *testing.T) {
	const small, large, slack = 50_000, 400_000, 1.5
	dir := t.TempDir()
	for name, every := range map[string]int{"empty": 0, "half": 2, "all": 1} {
		t.Run(name, func(t *testing.T) {
			if !testenv.Soak() {
				copyFile(t, dir, notifications(60_000, 8), every)
				return
			}
			all, ratio := notifications(large, 8), math.Inf(1)
			for range 3 { // because another program may slow down one run
				ratio = min(ratio, float64(copyFile(t, dir, all, every))/float64(copyFile(t, dir, all[:small], every)))
			}
			if most := slack * large / small; ratio > most {
				t.Errorf("%d notifications take %.1f times as long as %d; want %.1f at most", large, ratio, small, most)
			}
		})
	}
}

// copyFile copies a file with the notifications to one that has some of them, and
// returns how long that took.
func copyFile(t *testing.T, dir string, all []osprofiler.Notification, every int) time.Duration {
	t.Helper()
	from, to := filepath.Join(dir, "from.jsonl"), filepath.Join(dir, "to.jsonl")
	var has []osprofiler.Notification
	for i := range all {
		if every > 0 && i%every == 0 {
			has = append(has, all[i])
		}
	}
	for path, content := range map[string][]osprofiler.Notification{from: all, to: has} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		s := openFile(t, path)
		for batch := range slices.Chunk(content, 10_000) {
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
	}
	began := time.Now()
	counts, err := copyAll(t, relay.FromStore(openFile(t, from)), []relay.Target{relay.ToStore(openFile(t, to))})
	took := time.Since(began)
	if want := len(all) - len(has); err != nil || counts.Targets[0].Written != want {
		t.Fatalf("%+v, %v; want %d written", counts, err, want)
	}
	t.Logf("%d notifications: %v, %v each", len(all), took.Round(time.Millisecond), (took / time.Duration(len(all))).Round(10*time.Nanosecond))
	return took
}

// The traces of a time range are copied from file to file, where a lookup for each of them
// would take long.
func TestFileToFileSince(t *testing.T) {
	all := notifications(80_000, 8)
	dir := t.TempDir()
	from := openFile(t, filepath.Join(dir, "from.jsonl"))
	if err := from.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	q := store.Query{Since: begin.Add(10 * time.Second), Until: begin.Add(50 * time.Second)}
	counts, err := copyAll(t, relay.FromTraces(from, q), []relay.Target{relay.ToStore(openFile(t, filepath.Join(dir, "to.jsonl")))})
	if err != nil || counts.Targets[0].Written != 40_000 {
		t.Errorf("%+v, %v", counts, err)
	}
}
