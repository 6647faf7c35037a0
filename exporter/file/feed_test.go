package file_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// follow opens a feed. The Store closes it.
func follow(t testing.TB, s *store.Store, from store.Cursor) *store.Feed {
	t.Helper()
	feed, err := s.Feed(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	return feed
}

// write replaces the text of the file, as an editor does.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func appendText(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// After a file was replaced, cut or removed, its cursor is refused, and a feed
// that has read the file fails.
func TestCursorOfReplacedFile(t *testing.T) {
	const original = "a, b"
	for name, change := range map[string]func(path string){
		"cut":      func(path string) { write(t, path, line("a")[:30]) },
		"empty":    func(path string) { write(t, path, "") },
		"replaced": func(path string) { write(t, path, line("x")+"\n"+line("y")+"\n"+line("z")+"\n") },
		"replaced by another file": func(path string) {
			write(t, path+".new", line("x")+"\n"+line("y")+"\n"+line("z")+"\n")
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		},
		"replaced, with the same last line": func(path string) {
			write(t, path+".new", line("x")+"\n"+line("b")+"\n"+line("z")+"\n")
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := openNew(t, line("a")+"\n"+line("b")+"\n")
			feed := follow(t, s, "")
			if got := summary(feed.Poll(t.Context())); got != original {
				t.Fatalf("got %s", got)
			}
			cursor := feed.Cursor()
			change(path)
			if _, err := s.Feed(t.Context(), cursor); !errors.Is(err, store.ErrCursor) || !strings.Contains(err.Error(), "was replaced") {
				t.Errorf("a new feed from the cursor: got the error %v", err)
			}
			for range 2 {
				for n, err := range feed.Poll(t.Context()) {
					if !errors.Is(err, store.ErrCursor) || !strings.Contains(err.Error(), "was replaced") {
						t.Errorf("the feed yields %s, %v", n.Name, err)
					}
				}
			}
			if got := summary(follow(t, s, "").Poll(t.Context())); strings.Contains(got, "cannot") {
				t.Errorf("a feed from the beginning yields %s", got)
			}
		})
	}
}

// A cursor is valid in a copy of the file, and as long as the text before the
// cursor is unchanged.
func TestCursorOfCopy(t *testing.T) {
	s, path := openNew(t, line("a")+"\n"+line("b")+"\n")
	feed := follow(t, s, "")
	for n, err := range feed.Poll(t.Context()) {
		if err != nil || n.Name != "a" {
			t.Fatal(n, err)
		}
		break
	}
	write(t, path+".copy", line("a")+"\n"+line("c")+"\n")
	if err := os.Rename(path+".copy", path); err != nil {
		t.Fatal(err)
	}
	if got := summary(follow(t, s, feed.Cursor()).Poll(t.Context())); got != "c" {
		t.Errorf("a feed from the cursor yields %s", got)
	}
	if got := summary(feed.Poll(t.Context())); got != "c" {
		t.Errorf("the feed yields %s", got)
	}
}

// A feed waits for the end of a last line that is half written. It reports the
// line once, because the writer may have crashed.
func TestFeedWaitsForEndOfLine(t *testing.T) {
	b := line("b")
	s, path := openNew(t, line("a")+"\n"+b[:40])
	feed := follow(t, s, "")
	for _, step := range []struct{ written, want string }{
		{"", "a, damage at line 2"},
		{"", ""},
		{b[40:60], ""},
		{b[60:], "b"}, // a whole object needs no line end
		{"\n", ""},
		{b[:40] + "\n" + line("c") + "\n" + b[:10], fmt.Sprintf("damage at the line at byte %d, c, damage at the line at byte %d", 2*len(b)+2, 3*len(b)+44)},
		{"", ""},
		{"\n" + line("d") + "\n", "d"}, // the next writer starts a line of its own
		{"\n \n", ""},
		{line("e") + "\n", "e"},
	} {
		appendText(t, path, step.written)
		if got := summary(feed.Poll(t.Context())); got != step.want {
			t.Errorf("after %.20q was written, the poll yields %s, want %s", step.written, got, step.want)
		}
	}
	if got := summary(follow(t, s, feed.Cursor()).Poll(t.Context())); got != "" {
		t.Errorf("a feed from the last cursor yields %s", got)
	}
}

// Inside the loop, the cursor is directly behind the notifications that were
// yielded.
func TestCursorInsideLoop(t *testing.T) {
	s, _ := openNew(t, line("a")+"\n\n"+line("b")+"\nx\n"+line("c"))
	feed := follow(t, s, "")
	damage := fmt.Sprintf("damage at the line at byte %d", 2*len(line("a"))+3)
	rest := []string{"b, " + damage + ", c", damage + ", c", "c", ""}
	for n, err := range feed.Poll(t.Context()) {
		if got := summary(follow(t, s, feed.Cursor()).Poll(t.Context())); got != rest[0] {
			t.Errorf("behind %s (%v) a feed yields %s, want %s", n.Name, err, got, rest[0])
		}
		rest = rest[1:]
	}
}

// A feed may be closed, and so may its Store, inside the loop over a poll.
func TestFeedClosedInsideLoop(t *testing.T) {
	for _, closeStore := range []bool{false, true} {
		s, _ := openNew(t, line("a")+"\n"+line("b")+"\n")
		feed := follow(t, s, "")
		for _, err := range feed.Poll(t.Context()) {
			if err != nil {
				break // the feed or the Store is closed
			}
			if err := feed.Close(); err != nil {
				t.Error(err)
			}
			if closeStore {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// A file that does not exist reads as empty, except for a read-only Store.
func TestNoFile(t *testing.T) {
	s, path := openNew(t, "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	feed := follow(t, s, "")
	if got := summary(feed.Poll(t.Context())); got != "" {
		t.Errorf("a feed yields %s", got)
	}
	if _, err := s.Delete(t.Context(), "B"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleting returns %v", err)
	}
	if got := summary(s.Notifications(t.Context(), "B")); got != `no such trace: "B"` {
		t.Errorf("reading yields %s", got)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("reading or deleting made the file")
	}
	if err := s.Write(t.Context(), []osprofiler.Notification{{Name: "x", BaseID: "B"}}); err != nil {
		t.Fatal(err)
	}
	if got := summary(feed.Poll(t.Context())); got != "x" {
		t.Errorf("after a write the feed yields %s", got)
	}
}

// A feed yields what was written before the file was rotated. Only then it
// reports that there is another file.
func TestFeedOfRotatedFile(t *testing.T) {
	s, path := openNew(t, line("a")+"\n")
	feed := follow(t, s, "")
	if got := summary(feed.Poll(t.Context())); got != "a" {
		t.Fatalf("got %s", got)
	}
	write(t, path, line("a")+"\n"+line("b")+"\n"+line("c")+"\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, path, line("d")+"\n")
	for n, err := range feed.Poll(t.Context()) { // the loop is left early
		if err != nil || n.Name != "b" {
			t.Fatal(n.Name, err)
		}
		break
	}
	var names []string
	var last error
	for n, err := range feed.Poll(t.Context()) {
		if last = err; err == nil {
			names = append(names, n.Name)
		}
	}
	if !slices.Equal(names, []string{"c"}) || !errors.Is(last, store.ErrCursor) {
		t.Errorf("the feed yields %q and ends with the error %v, want c and %v", names, last, store.ErrCursor)
	}
	if got := summary(follow(t, s, "").Poll(t.Context())); got != "d" {
		t.Errorf("a feed from the beginning yields %s, want d", got)
	}
}
