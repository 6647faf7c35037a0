package relay

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The file cannot be opened by two relays, because they would overwrite each other's lines.
func TestDeadLettersAreOfOneRelay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	first, err := OpenDeadLetters(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDeadLetters(path, 0); err == nil || !strings.Contains(err.Error(), "another relay writes this file") {
		t.Errorf("the second relay: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenDeadLetters(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// A letter leaves the bus. So it must be written to the file that has the name now.
func TestDeadLettersFollowTheirName(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"nothing": func(string) error { return nil },
		"removed": os.Remove,
		"renamed": func(path string) error { return os.Rename(path, path+".old") },
		"cut":     func(path string) error { return os.Truncate(path, 0) },
		"replaced": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.WriteFile(path, nil, 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dead.jsonl")
			letters, err := OpenDeadLetters(path, 0)
			if err != nil {
				t.Fatal(err)
			}
			var warned []error
			warn := func(err error) { warned = append(warned, err) }
			for i, body := range []string{"first", "second"} {
				if i == 1 {
					if err := change(path); err != nil {
						t.Fatal(err)
					}
				}
				if n, err := letters.write([]letter{newLetter("the bus", "1", "no JSON", []byte(body))}, warn); err != nil || n != 1 {
					t.Fatalf("%d letters, %v", n, err)
				}
			}
			content, err := os.ReadFile(path)
			lines := bytes.Count(content, []byte("\n"))
			if err != nil || !bytes.Contains(content, []byte("second")) || bytes.IndexByte(content, 0) >= 0 {
				t.Errorf("the file has %q, %v", content, err)
			}
			if want := map[bool]int{true: 2, false: 1}[name == "nothing"]; lines != want || len(warned) != 2-want {
				t.Errorf("%d lines, %v", lines, warned)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
			if err := letters.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A file by which another program has replaced the dead letters stays unchanged.
func TestDeadLettersLeaveAnotherFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	letters, err := OpenDeadLetters(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	one := []letter{newLetter("the bus", "1", "no JSON", []byte("x"))}
	if _, err := letters.write(one, func(error) {}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("other = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := letters.write(one, func(error) {}); err == nil || n != 0 || !strings.Contains(err.Error(), "something other than dead letters") {
			t.Errorf("%d letters, %v", n, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if n, err := letters.write(one, func(error) {}); err != nil || n != 1 {
		t.Errorf("after the removal: %d letters, %v", n, err)
	}
	if err := letters.Close(); err != nil {
		t.Error(err)
	}
}
