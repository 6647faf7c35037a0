package testenv

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A server whose disk is full refuses writes, and accepts writes again when the disk has
// space.
func TestSearchServerWithFullDisk(t *testing.T) {
	t.Parallel()
	d := NewDisk(t, "64m")
	s := StartElasticsearch7On(t, d)
	document := `{"a": "` + strings.Repeat("x", 20_000) + `"}`
	wantSearch(t, s.Search(), http.MethodPut, "/i/_doc/1", document, 201, "created")
	d.Fill()
	wantSearch(t, s.Search(), http.MethodPut, "/i/_doc/2", document, 500, "No space left on device")
	wantSearch(t, s.Search(), http.MethodPut, "/i/_doc/3?timeout=1s", document, 503, "SERVICE_UNAVAILABLE")
	d.Free()
	awaitSearch(t, s.Search(), "/i/_doc/3", http.StatusCreated)
}

// awaitSearch writes a document until the status is the wanted one.
func awaitSearch(t *testing.T, url, path string, want int) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		status, answer := SearchRequest(t, url, http.MethodPut, path, searchDocument)
		if status == want {
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("%d: %s; want %d", status, answer, want)
		}
	}
}

// A server itself sets and removes the block of the flood stage, each within half a
// minute.
func TestSearchFloodStageByItself(t *testing.T) {
	t.Parallel()
	d := NewDisk(t, "64m")
	s := StartElasticsearch7On(t, d, DiskThreshold("32mb")...)
	wantSearch(t, s.Search(), http.MethodPut, "/i/_doc/1", searchDocument, 201, "created")
	other := filepath.Join(d.Dir, "other")
	if err := os.WriteFile(other, make([]byte, 40<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	awaitSearch(t, s.Search(), "/i/_doc/2", http.StatusTooManyRequests)
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	awaitSearch(t, s.Search(), "/i/_doc/3", http.StatusCreated)
}
