package file_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// TestMain also runs the test binary as the other process of some tests: see
// process_test.go.
func TestMain(m *testing.M) {
	if job := os.Getenv("OSP_TEST_JOB"); job != "" {
		os.Exit(work(job))
	}
	goleak.VerifyTestMain(m)
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place: func(t testing.TB) string { return "file://" + filepath.Join(t.TempDir(), "store.jsonl") },
		Unreachable: func(t testing.TB) string {
			return "file://" + filepath.Join(t.TempDir(), "no folder", "store.jsonl")
		},
	})
}

// openNew opens a file that holds the text.
func openNew(t testing.TB, text string, opts ...file.Option) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := file.Open("file://"+path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, path
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// line is a notification of trace B.
func line(name string) string {
	return fmt.Sprintf(`{"name": %q, "base_id": "B", "trace_id": "T", "parent_id": "B", "timestamp": "2024-05-06T07:08:09.000010", "info": {"host": "h"}, "project": "p", "service": "s"}`, name)
}

// of returns a line of the trace with that base id.
func of(baseID, name string) string {
	return strings.ReplaceAll(line(name), `"B"`, `"`+baseID+`"`)
}

// summary returns the names of the notifications and the damages of a sequence
// as text.
func summary(notifications iter.Seq2[osprofiler.Notification, error]) string {
	var all []string
	for n, err := range notifications {
		var damage *store.DamageError
		switch {
		case errors.As(err, &damage):
			at, _, _ := strings.Cut(damage.Entry, " of ")
			all = append(all, "damage at "+at)
		case err != nil:
			all = append(all, err.Error())
		default:
			all = append(all, n.Name)
		}
	}
	return strings.Join(all, ", ")
}

// A reader reports lines that a crash, a bad disk or an editor has damaged, and
// reads the rest.
func TestDamage(t *testing.T) {
	a, b := line("a"), line("b")
	for _, c := range []struct{ name, text, want string }{
		{"whole", a + "\n" + b + "\n", "a, b"},
		{"no end", a + "\n" + b, "a, b"},
		{"half a line", a + "\n" + b[:len(b)/2], "a, damage at line 2"},
		{"half a line before the id", a + "\n" + b[:10], "a, damage at line 2"},
		{"half a line and more", a[:50] + "\n" + b + "\n", "damage at line 1, b"},
		{"two lines in one", a[:50] + b + "\n" + a + "\n", "damage at line 1, a"},
		{"blank lines", "\n \n" + a + "\n\n\t\n" + b + "\n\n", "a, b"},
		{"windows", "\uFEFF" + a + "\r\n" + b + "\r\n", "a, b"},
		{"no object", "[1]\n" + a + "\nnull\n\"B\"\n", "damage at line 1, a, damage at line 3, damage at line 4"},
		{"zeros", a + "\n" + strings.Repeat("\x00", 4096) + "\n" + b + "\n", "a, damage at line 2, b"},
		{"a binary", "\x7fELF\xff\xfe\n" + a + "\n", "damage at line 1, a"},
		{"nothing but damage", "x\n", "damage at line 1, no such trace: \"B\""},
		{"empty", "", "no such trace: \"B\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := openNew(t, c.text)
			if got := summary(s.Notifications(t.Context(), "B")); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			feed := follow(t, s, "")
			polled := summary(feed.Poll(t.Context()))
			if want := strings.Count(c.want, "damage"); strings.Count(polled, "damage") != want {
				t.Errorf("a feed yields %s, want %d damages", polled, want)
			}
			if again := summary(feed.Poll(t.Context())); again != "" {
				t.Errorf("the next poll yields %s", again)
			}
		})
	}
}

// The next write after half a line starts on a new line.
func TestWriteAfterHalfALine(t *testing.T) {
	s, path := openNew(t, line("a")+"\n"+line("lost")[:40])
	n, err := osprofiler.ParseNotification(line("b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), []osprofiler.Notification{n}); err != nil {
		t.Fatal(err)
	}
	if got, want := summary(s.Notifications(t.Context(), "B")), "a, damage at line 2, b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := line("a") + "\n" + line("lost")[:40] + "\n" + line("b") + "\n"; string(text) != want {
		t.Errorf("the file is\n%s\nwant\n%s", text, want)
	}
}

// Write creates the file again if the file was moved away or removed while it
// was open.
func TestMovedAway(t *testing.T) {
	s, path := openNew(t, "")
	write := func(name string) {
		t.Helper()
		n, err := osprofiler.ParseNotification(line(name))
		if err == nil {
			err = s.Write(t.Context(), []osprofiler.Notification{n})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write("b")
	if got := summary(s.Notifications(t.Context(), "B")); got != "b" {
		t.Errorf("the new file holds %s, want b", got)
	}
	old, err := file.Open("file://"+path+".1", file.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	if got := summary(old.Notifications(t.Context(), "B")); got != "a" {
		t.Errorf("the old file holds %s, want a", got)
	}
}

// The first notification of a trace is read when the trace is yielded. If the
// file was cut before that, the listing returns an error.
func TestFirstOfCutFile(t *testing.T) {
	s, path := openNew(t, line("a")+"\n"+of("C", "c")+"\n"+of("D", "d")+"\n")
	var got []string
	for trace, err := range s.Traces(t.Context(), store.Query{First: true}) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, trace.First.Name)
		must(t, os.Truncate(path, int64(len(line("a"))+10)))
	}
	want := []string{"a", fmt.Sprintf("the file %q was cut or changed while it was read", path)}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.jsonl")
	if err := os.WriteFile(path, []byte(line("a")+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func() (*store.Store, error){
		func() (*store.Store, error) { return store.Open(t.Context(), "file://"+path, store.WithReadOnly()) },
		func() (*store.Store, error) { return store.Open(t.Context(), "file://"+path+"?osp_read_only=yes") },
	} {
		s, err := open()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(t.Context(), []osprofiler.Notification{{Name: "x"}}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Write returned %v", err)
		}
		if got := summary(s.Notifications(t.Context(), "B")); got != "a" {
			t.Errorf("got %s", got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBadPlaces(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		connectionString, want string
		text                   bool // whether the error is about the text of the connection string
		is                     error
	}{
		{"file://" + dir, `cannot open the file "DIR": it is a directory, and should be a file of one notification a line`, false, nil},
		{"file://" + dir + "/none/x.jsonl", `cannot create the file "DIR/none/x.jsonl": there is no directory "DIR/none": file does not exist`, false, fs.ErrNotExist},
		{"file://" + plain + "/x.jsonl", `cannot open the file "DIR/plain/x.jsonl": not a directory`, false, nil},
		{"file://" + dir + "/none.jsonl?osp_read_only=true", `cannot read the file "DIR/none.jsonl": file does not exist`, false, fs.ErrNotExist},
		{"file:///dev/null", `cannot open the file "/dev/null": it is not a regular file, and should be a file of one notification a line`, false, nil},
		{"file://", `the connection string "file://" names no file; it should read like file:///path/to/traces.jsonl`, true, nil},
		{"file://" + dir + "/", `the connection string "file://DIR/" names no file; it should read like file:///path/to/traces.jsonl`, true, nil},
		{"file:///a%zz", `the path "/a%zz" of the connection string holds a percent sign that is no escape; it should be written %25`, true, nil},
		{"file:///a%00b", `the path "/a\x00b" of the connection string holds a NUL, which no path can`, true, nil},
		{"file://" + dir + "/x.jsonl?sync=no", `unknown option "sync" of the connection string; this back end knows filter_error_trace, osp_allow_shared, osp_read_only, osp_sync`, true, nil},
		{"file://" + dir + "/x.jsonl?osp_sync=perhaps", `option osp_sync=perhaps of the connection string should be true or false`, true, nil},
	} {
		s, err := store.Open(t.Context(), c.connectionString)
		if wrong := errors.Is(err, store.ErrConnectionString); wrong != c.text {
			t.Errorf("%s: opening returns the error %v", c.connectionString, err)
		}
		if err == nil {
			err = errors.Join(s.Ping(t.Context()), s.Close())
		}
		if err == nil {
			t.Errorf("%s can be used", c.connectionString)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.connectionString, got, c.want)
		}
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v is no %v", c.connectionString, err, c.is)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "x.jsonl")); err == nil {
		t.Error("a refused connection string made a file")
	}
}

// Relative paths, blanks and escapes in a connection string name the file that
// users expect.
func TestPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	for connectionString, want := range map[string]string{
		"file://" + dir + "/a.jsonl":          "a.jsonl",
		"file://localhost" + dir + "/b.jsonl": "b.jsonl",
		"file://c.jsonl":                      "c.jsonl",
		"file://./d.jsonl":                    "d.jsonl",
		"file://sub/e.jsonl":                  "sub/e.jsonl",
		"file://sub/../f.jsonl?osp_sync=no":   "f.jsonl",
		"file://with blank.jsonl":             "with blank.jsonl",
		"file://with%20other%25.jsonl":        "with other%.jsonl",
		"FILE://g.jsonl":                      "g.jsonl",
		"file://h?i.jsonl?osp_sync=no":        "h?i.jsonl",
	} {
		s, err := store.Open(context.Background(), connectionString)
		if err != nil {
			t.Errorf("%s: %v", connectionString, err)
			continue
		}
		if _, err := os.Stat(want); err == nil {
			t.Errorf("opening %s made %q", connectionString, want)
		}
		if err := errors.Join(s.Ping(t.Context()), s.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(want); err != nil {
			t.Errorf("%s did not make %q: %v", connectionString, want, err)
		}
	}
}
