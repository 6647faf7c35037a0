package relay

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func openTestJournal(t testing.TB, path string) (*journal, []entry, []string) {
	t.Helper()
	var warned []string
	j, entries, err := openJournal(path, "the target \"x\"\n", func(err error) { warned = append(warned, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.close() }) // some tests close it before
	return j, entries, warned
}

// A journal has the same entries after it was opened again, also after it was rewritten.
func TestAJournalKeepsItsEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.journal")
	random := rand.New(rand.NewPCG(1, 2))
	want := map[uint64]entry{}
	j, _, _ := openTestJournal(t, path)
	compacted := false
	for round := range 300 {
		for range random.IntN(60) {
			text := strings.Repeat("x", random.IntN(500)) + fmt.Sprint(round)
			id := j.add('w', text)
			want[id] = entry{id: id, kind: 'w', text: text}
		}
		for id, e := range want {
			switch random.IntN(20) {
			case 0:
				j.mark(id)
				e.marked = true
				want[id] = e
			case 1, 2, 3, 4:
				j.remove(id)
				delete(want, id)
			}
		}
		before := j.size
		if err := j.sync(); err != nil {
			t.Fatal(err)
		}
		compacted = compacted || j.size < before
		if round%50 == 0 {
			_ = j.close()
			var entries []entry
			var warned []string
			j, entries, warned = openTestJournal(t, path)
			if !slices.Equal(entries, inOrder(want)) || len(warned) > 0 {
				t.Fatalf("round %d: %d entries instead of %d, warnings %q", round, len(entries), len(want), warned)
			}
		}
	}
	if !compacted {
		t.Error("the journal was never written anew")
	}
	for id := range maps.Clone(want) {
		j.remove(id)
	}
	if err := j.sync(); err != nil {
		t.Fatal(err)
	}
	j.add('w', "last")
	if err := j.sync(); err != nil {
		t.Fatal(err)
	}
	_ = j.close()
	if _, entries, _ := openTestJournal(t, path); len(entries) != 1 || entries[0].text != "last" {
		t.Errorf("the entries are %+v", entries)
	}
	if _, err := os.Stat(path + ".new"); err == nil {
		t.Error("a temporary file is left")
	}
}

// A journal that was cut at any place has the entries before the cut.
func TestAJournalIsCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.journal")
	j, _, _ := openTestJournal(t, path)
	var ends []int64
	for i := range 3 {
		j.add('w', fmt.Sprintf(`{"n": %d}`, i))
		if err := j.sync(); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, j.size)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range content {
		path := filepath.Join(dir, fmt.Sprint(cut))
		if err := os.WriteFile(path, content[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, end := range ends {
			if int64(cut) >= end {
				want++
			}
		}
		again, entries, warned := openTestJournal(t, path)
		if len(entries) != want || len(warned) > 0 {
			t.Fatalf("cut at %d: %d entries instead of %d, warnings %q", cut, len(entries), want, warned)
		}
		again.add('w', "new")
		if err := again.sync(); err != nil {
			t.Fatal(err)
		}
		_ = again.close()
		if _, entries, _ := openTestJournal(t, path); len(entries) != want+1 {
			t.Fatalf("cut at %d: afterwards %d entries", cut, len(entries))
		}
	}
}

// FuzzJournal opens files of any content, and uses them afterwards.
func FuzzJournal(f *testing.F) {
	f.Add("", "text")
	f.Add("00000000 +1 w x\n", "text")
	f.Add(string(appendLine(nil, func(b []byte) []byte { return append(b, "+1 w {}"...) }))+"junk\n"+
		string(appendLine(nil, func(b []byte) []byte { return append(b, "~1"...) })), "text")
	f.Add(string(appendLine(nil, func(b []byte) []byte { return append(b, "+18446744073709551615 w {}"...) })), "text")
	f.Fuzz(func(t *testing.T, content, text string) {
		path := filepath.Join(t.TempDir(), "x.journal")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		text = oneLine(text)
		j, before, _ := openTestJournal(t, path)
		j.add('w', text)
		if err := j.sync(); err != nil {
			t.Fatal(err)
		}
		_ = j.close()
		_, after, warned := openTestJournal(t, path)
		if len(after) != len(before)+1 || len(warned) > 0 || !slices.ContainsFunc(after, func(e entry) bool { return e.text == text }) {
			t.Errorf("%d entries, then %d, warnings %q", len(before), len(after), warned)
		}
	})
}

func TestAStateDirectoryThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(file); err == nil || !strings.Contains(err.Error(), "cannot create the state directory") {
		t.Errorf("the error is %v", err)
	}
	s, err := OpenState(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.WriteFile(s.path("cursor", "source", ".json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.position("source"); err == nil || !strings.Contains(err.Error(), "remove the file to begin at its beginning") {
		t.Errorf("the error is %v", err)
	}
}
