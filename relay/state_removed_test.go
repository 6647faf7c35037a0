package relay

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// If a journal's file is removed, the journal is written to a new file. Entries in a file
// without a name would be lost at the next start.
func TestAJournalThatIsRemovedIsWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.journal")
	j, _, _ := openTestJournal(t, path)
	want := map[uint64]entry{}
	add := func(text string) {
		id := j.add('w', text)
		want[id] = entry{id: id, kind: 'w', text: text}
		if err := j.sync(); err != nil {
			t.Fatal(err)
		}
	}
	add("first")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	add("second")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	id := j.add('w', "third")
	want[id] = entry{id: id, kind: 'w', text: "third"}
	if err := j.sync(); err == nil {
		t.Error("a directory that is gone is no error")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	add("fourth")
	_ = j.close()
	if _, entries, warned := openTestJournal(t, path); !slices.Equal(entries, inOrder(want)) || len(warned) > 0 {
		t.Errorf("%v, %q", entries, warned)
	}
}

// The error says which journal cannot be opened, and to which target it belongs.
func TestAJournalThatCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "waiting")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	_, _, err := openJournal(path, "the target", func(error) {})
	if err == nil || !strings.Contains(err.Error(), "cannot open the journal of the target in the state directory") {
		t.Error(err)
	}
}

// If halves wait for a target that is no longer given, a warning names that target.
func TestATargetThatIsGoneIsNamed(t *testing.T) {
	s, err := OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, count := range map[string]int{"otlp+grpc://old:4317": 1, "otlp+grpc://empty:4317": 0, "otlp+grpc://now:4317": 1} {
		j, _, err := s.waiting(name, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		for range count {
			j.add(waitingEntry, "{}")
		}
		if err := j.sync(); err != nil {
			t.Fatal(err)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
	}
	var warned []string
	s.warnOfOthers([]string{"otlp+grpc://now:4317"}, func(err error) { warned = append(warned, err.Error()) })
	if len(warned) != 1 || !strings.Contains(warned[0], "for otlp+grpc://old:4317, which is not a target now") {
		t.Errorf("%q", warned)
	}
}
