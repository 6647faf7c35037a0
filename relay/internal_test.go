package relay

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
)

// A keySet works as a set, whether its keys are in memory or in the file.
func TestKeySet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &keySet{limit: rapid.IntRange(1, 400).Draw(t, "limit")}
		defer func() {
			if err := s.close(); err != nil {
				t.Error(err)
			}
		}()
		added := map[key]bool{}
		number := rapid.Uint64Range(0, 2000)
		for _, i := range rapid.SliceOfN(number, 0, 1500).Draw(t, "added") {
			k := key{i % 7, i}
			added[k] = true
			if err := s.add(k); err != nil {
				t.Fatal(err)
			}
		}
		for i := range uint64(2001) {
			k := key{i % 7, i}
			if got, err := s.has(k); err != nil || got != added[k] {
				t.Fatalf("has %v: %t, %v; want %t", k, got, err, added[k])
			}
		}
	})
}

// The temporary file can be read only by its owner, and is removed.
func TestKeySetRemovesItsFile(t *testing.T) {
	s := &keySet{limit: 10}
	for i := range uint64(25) {
		if err := s.add(key{i, i}); err != nil {
			t.Fatal(err)
		}
	}
	name := s.file.Name()
	if info, err := os.Stat(name); err != nil || info.Size() != 20*keyBytes || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", name, err)
	}
}

// If the folder for temporary files cannot be used, that is an error, and not a panic.
func TestKeySetWithoutRoom(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")
	s := &keySet{limit: 1}
	if err := s.add(key{}); err == nil {
		t.Error("there is no error")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// Equal notifications have the same key, however they are written.
func TestKeys(t *testing.T) {
	a, b := `{"name": "x", "info": {"a": 1, "b": [1.0]}}`, `{"info":{"b":[1.0],"a":1},"name":"\u0078"}`
	if keyOf(a) != keyOf(b) || keyOf(a) == keyOf(strings.Replace(a, "x", "y", 1)) || keyOf(a)[0] == keyOf(a)[1] {
		t.Error("the keys of equal notifications differ, or those of others are the same")
	}
	if keyOfID("a\xff") != keyOfID("a\ufffd") || keyOfID("a") == keyOfID("A") {
		t.Error("the keys of ids are not those of their text")
	}
}

func TestBatchesAreBounded(t *testing.T) {
	w := newWindow(windowLimits{count: windowCount, bytes: windowBytes})
	add := func(id string, size int) {
		w.add(osprofiler.Notification{Name: "x-start", TraceID: id, Info: osprofiler.Info(`{"x": "` + strings.Repeat("x", size) + `"}`)})
	}
	for i := range 10 {
		add(strconv.Itoa(i), batchBytes/3)
	}
	add("huge", batchBytes)
	for i := range batchCount + 1 {
		add("small"+strconv.Itoa(i), 1)
	}
	var sizes []int
	for b := range w.lacking(make([]bool, len(w.keys))) {
		sizes = append(sizes, len(b.notifications))
	}
	if want := []int{2, 2, 2, 2, 2, 1, 1000, 1}; !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, want %v", sizes, want)
	}
}

// A window is full by count or by bytes, and has no duplicates.
func TestWindow(t *testing.T) {
	w := newWindow(windowLimits{count: windowCount, bytes: windowBytes})
	n := osprofiler.Notification{Name: "x-start", Info: osprofiler.Info(`{"x": "` + strings.Repeat("x", windowBytes/2) + `"}`)}
	if !w.add(n) || w.isFull() || w.add(n) || w.isFull() {
		t.Error("a notification counts twice")
	}
	n.TraceID = "t"
	if !w.add(n) || !w.isFull() || len(w.baseIDs) != 1 {
		t.Error("the window is not full")
	}
}
