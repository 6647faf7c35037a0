package file_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// sample returns the logrotate configuration of the documentation, changed to
// another file and so that it deletes nothing.
func sample(t *testing.T, path string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/stores/file.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sample, ok := strings.Cut(string(page), "\n/var/lib/nova/traces.jsonl {")
	sample, _, ok2 := strings.Cut(sample, "```")
	if !ok || !ok2 {
		t.Fatal("the page has no sample for logrotate")
	}
	account := fmt.Sprintf("su %s %s", "root", "root")
	return path + " {" + strings.NewReplacer("rotate 7", "rotate 1000", "su nova nova", account).Replace(sample)
}

func logrotate(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("logrotate")
	if err != nil || os.Geteuid() != 0 {
		if testenv.Required() {
			t.Fatalf("this test needs logrotate, and root: %v", err)
		}
		t.Skipf("this test needs logrotate, and root: %v", err)
	}
	return path
}

// writeOn writes notifications until it is told to stop. It returns the names
// of those that were acknowledged.
func writeOn(t *testing.T, path, name string, stop *atomic.Bool) (acknowledged []string) {
	s, err := file.Open("file://" + path)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer func() { _ = s.Close() }()
	for i := 0; !stop.Load(); i++ {
		batch := named(fmt.Sprintf("%s-%d-a", name, i), fmt.Sprintf("%s-%d-b", name, i))
		if err := (store.Retry{}).Write(context.Background(), s, batch); err != nil {
			t.Error(err)
			return acknowledged
		}
		acknowledged = append(acknowledged, batch[0].Name, batch[1].Name)
	}
	return acknowledged
}

// While logrotate renames the file as the documentation describes, each
// acknowledged notification is in one of the files, once.
func TestLogrotate(t *testing.T) {
	program := logrotate(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "traces.jsonl")
	config := filepath.Join(dir, "logrotate.conf")
	if err := os.WriteFile(config, []byte(sample(t, path)), 0o600); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var group sync.WaitGroup
	acknowledged := make([][]string, 3)
	for i := range acknowledged {
		group.Go(func() { acknowledged[i] = writeOn(t, path, fmt.Sprint("w", i), &stop) })
	}
	for rotated(t, path) < leastFiles { // a rotation leaves out a file that is empty, or not there yet
		output, err := exec.CommandContext(t.Context(), program, "--force", "--state", filepath.Join(dir, "state"), config).CombinedOutput()
		if err != nil {
			t.Errorf("logrotate: %v\n%s", err, output)
		}
	}
	stop.Store(true)
	group.Wait()
	checkRotated(t, path, acknowledged)
}

const leastFiles = 15

func rotated(t *testing.T, path string) int {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || t.Failed() {
		return leastFiles
	}
	return len(files)
}

func checkRotated(t *testing.T, path string, acknowledged [][]string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, f := range files {
		for _, name := range namesIn(t, f) {
			found[name]++
		}
	}
	total := 0
	for _, names := range acknowledged {
		for _, name := range names {
			if total++; found[name] != 1 {
				t.Errorf("%s is there %d times", name, found[name])
			}
		}
	}
	t.Logf("%d acknowledged, in %d files", total, len(files))
}

// namesIn returns the names of the notifications in a file, which may be
// compressed.
func namesIn(t *testing.T, path string) (names []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		n, err := osprofiler.ParseNotification(lines.Text())
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		names = append(names, n.Name)
	}
	return names
}
