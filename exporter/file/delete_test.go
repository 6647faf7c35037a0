//go:build !windows

package file_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/store"
)

// content returns the text of a file. It checks that there is no other file in
// the folder.
func content(t *testing.T, path string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Deleting removes the lines of the trace, however its id is spelled, and keeps
// all others byte for byte, whether they can be read or not.
func TestDelete(t *testing.T) {
	a, b, c, other := line("a"), line("b"), line("c"), of("C", "o")
	escaped := strings.ReplaceAll(a, `"B"`, `"\u0042"`)
	within := strings.ReplaceAll(other, `"host": "h"`, `"host": "B"`)
	for name, test := range map[string]struct {
		text, want string
		count      int
	}{
		"all":            {a + "\n" + b + "\n", "", 2},
		"the first":      {a + "\n" + other + "\n", other + "\n", 1},
		"the last":       {other + "\n" + a + "\n", other + "\n", 1},
		"without an end": {other + "\n" + a, other + "\n", 1},
		"alternately":    {a + "\n" + other + "\n" + b + "\n" + other + "\n" + c + "\n", other + "\n" + other + "\n", 3},
		"equal ones":     {a + "\n" + a + "\n" + other, other, 2},
		"another spelling": {escaped + "\n\uFEFF" + other + "\n" + " \t" + b + "\t\r\n" + within + "\n",
			"\uFEFF" + other + "\n" + within + "\n", 2},
		"damage":    {a[:50] + b + "\n\n \n" + a + "\nx\n" + c + "\n" + b[:60], a[:50] + b + "\n\n \n" + "x\n" + b[:60], 2},
		"long ones": {a + "\n" + strings.Repeat("x", 300_000) + "\n" + b + "\n", strings.Repeat("x", 300_000) + "\n", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := openNew(t, test.text)
			if count, err := s.Delete(t.Context(), "B"); err != nil || count != test.count {
				t.Errorf("deleted %d (%v), want %d", count, err, test.count)
			}
			if got := content(t, path); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if _, err := s.Delete(t.Context(), "B"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("deleting again returns %v", err)
			}
		})
	}
}

// The new file has the permissions of the old one. A symbolic link stays one.
func TestDeleteKeepsPermissionsAndLinks(t *testing.T) {
	s, path := openNew(t, line("a")+"\n"+of("C", "o")+"\n")
	link := filepath.Join(t.TempDir(), "link.jsonl")
	must(t, s.Close(), os.Chmod(path, 0o644), os.Symlink(path, link))
	s, err := file.Open("file://" + link)
	must(t, err)
	_, err = s.Delete(t.Context(), "B")
	must(t, err, s.Close())
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link became %v (%v)", info.Mode(), err)
	}
	if info, err = os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the file has the mode %v (%v)", info.Mode(), err)
	}
	if got := content(t, path); got != of("C", "o")+"\n" {
		t.Errorf("the file holds %s", got)
	}
}

// Another Store that has the old file open notices the new file. It writes to
// the new file and reads from it.
func TestDeleteBesideWriter(t *testing.T) {
	s, path := openNew(t, line("a")+"\n")
	other, err := file.Open("file://" + path)
	must(t, err)
	defer func() { must(t, other.Close()) }()
	must(t, other.Write(t.Context(), []osprofiler.Notification{{Name: "x", BaseID: "C"}}))
	_, err = s.Delete(t.Context(), "B")
	must(t, err, other.Write(t.Context(), []osprofiler.Notification{{Name: "y", BaseID: "C"}}),
		s.Write(t.Context(), []osprofiler.Notification{{Name: "z", BaseID: "C"}}))
	for _, reader := range []*store.Store{s, other} {
		if got := summary(reader.Notifications(t.Context(), "C")); got != "x, y, z" {
			t.Errorf("got %s", got)
		}
	}
}

// Deleting loses nothing while several processes append to the file.
func TestDeleteBesideProcesses(t *testing.T) {
	s, path := openNew(t, "")
	var group sync.WaitGroup
	const processes = 3
	for range processes {
		group.Go(start(t, "append", path))
	}
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	deleted := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(time.Millisecond):
		}
		must(t, s.Write(t.Context(), []osprofiler.Notification{{Name: "x", BaseID: "C"}}))
		if count, err := s.Delete(t.Context(), "C"); err != nil || count != 1 {
			t.Fatalf("deleted %d (%v)", count, err)
		}
		deleted++
	}
	count := 0
	for _, err := range s.Notifications(t.Context(), "B") {
		must(t, err)
		count++
	}
	if count != processes*batches*perBatch {
		t.Errorf("after %d deletions, %d notifications are there, want %d", deleted, count, processes*batches*perBatch)
	}
}

// A feed misses nothing when lines in front of its cursor are deleted, even if
// the same line is in front of the cursor afterwards. The feed yields the rest
// of the file that it was reading, and then reports that there is another file.
func TestDeleteBesideFeed(t *testing.T) {
	l, m := of("C", "l"), of("C", "m")
	s, path := openNew(t, pad(len(l)+len(m)+1)+"\n"+l+"\n"+m+"\n"+l+"\n")
	feed := follow(t, s, "")
	seen := 0
	for _, err := range feed.Poll(t.Context()) {
		must(t, err)
		if seen++; seen == 2 {
			break
		}
	}
	cursor := feed.Cursor()
	_, err := s.Delete(t.Context(), "B")
	must(t, err)
	if got := content(t, path); got != l+"\n"+m+"\n"+l+"\n" {
		t.Fatalf("the file holds\n%s", got)
	}
	rest, last := 0, error(nil)
	for _, err := range feed.Poll(t.Context()) {
		if last = err; err == nil {
			rest++
		}
	}
	if rest != 2 || !errors.Is(last, store.ErrCursor) {
		t.Errorf("the feed yields %d more and ends with the error %v, want 2 and %v", rest, last, store.ErrCursor)
	}
	if _, err := s.Feed(t.Context(), cursor); !errors.Is(err, store.ErrCursor) {
		t.Errorf("a feed from the cursor returns %v", err)
	}
}

// pad returns a line of trace B that has that number of bytes.
func pad(length int) string {
	return line(strings.Repeat("x", length-len(line(""))))
}

// A deletion that is cancelled, or that cannot create a file, changes nothing.
func TestDeleteFails(t *testing.T) {
	text := line("a") + "\n"
	s, path := openNew(t, text)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Delete(ctx, "B"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled deletion returns %v", err)
	}
	if got := content(t, path); got != text {
		t.Errorf("the file holds %s", got)
	}
	readOnly, err := file.Open("file://"+path, file.WithReadOnly())
	must(t, err)
	defer func() { must(t, readOnly.Close()) }()
	if _, err := readOnly.Delete(t.Context(), "B"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("deleting from a read-only store returns %v", err)
	}
}
