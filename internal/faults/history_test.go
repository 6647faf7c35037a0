package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A liar is a driver that acknowledges each batch and drops one notification of it.
type liar struct{ driver.Driver }

func (l *liar) Unwrap() driver.Driver { return l.Driver }

func (l *liar) Write(ctx context.Context, batch []osprofiler.Notification) error {
	w, _ := driver.As[driver.Writer](l.Driver)
	return w.Write(ctx, batch[1:])
}

// The history of a failed check is kept in a file. It shows which spans were exported and
// which are missing.
func TestHistoryIsKept(t *testing.T) {
	const variable = "OSP_TEST_FAULTS_OF_A_LIAR"
	if folder := os.Getenv(variable); folder != "" { // in a process of its own, which fails
		s, err := store.Open(t.Context(), "file:///"+folder+"/traces")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		lying := s.Wrap(func(d driver.Driver) driver.Driver { return &liar{d} })
		Export{Store: lying, Spans: 2 * batchSpans}.Run(t, func(*Progress) {}).Check(t, s)
		return
	}
	folder := t.TempDir()
	failing := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHistoryIsKept$", "-test.v")
	failing.Env = append(os.Environ(), variable+"="+folder, "TMPDIR="+folder)
	out, err := failing.CombinedOutput()
	if err == nil {
		t.Fatalf("the check of a store that loses spans passes: %s", out)
	}
	match := regexp.MustCompile(`the history is in (\S+) \(<nil>\)`).FindSubmatch(out)
	if len(match) < 2 || filepath.Dir(string(match[1])) != folder {
		t.Fatalf("no history is kept: %s", out)
	}
	events := readHistory(t, string(match[1]))
	if events["handed out"] != 2 || events["acknowledged"] != 2 || events["stored"] != 2*batchSpans/traceSpans || events["damaged"] != 2 {
		t.Errorf("the events are %v", events)
	}
}

// readHistory returns how often each kind of event is in a file. "damaged" counts the
// traces with missing spans or halves.
func readHistory(t *testing.T, file string) map[string]int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kinds := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || !strings.HasSuffix(e.At, "s") {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if kinds[e.What]++; len(e.Copies) > 0 {
			kinds["damaged"]++
		}
	}
	return kinds
}
