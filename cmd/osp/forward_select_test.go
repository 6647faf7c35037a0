package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// --since and --until select whole traces by the time of their first event.
func TestForwardSinceUntil(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, begin := manyTraces(t, 50)
	late := osprofiler.Notification{ // its time is long after the first event of its trace
		Name: "wsgi-stop", BaseID: traceName(12), TraceID: osprofiler.NewID(), ParentID: traceName(12),
		Timestamp: osprofiler.FormatTime(begin.Add(24 * time.Hour)), Info: `{"host": "api-1"}`, Project: "nova", Service: "api",
	}
	path := strings.TrimPrefix(source, "file://")
	writeFile(t, path, readFile(t, path)+late.JSON()+"\n")
	at := func(minute int) string { return begin.Add(time.Duration(minute) * time.Minute).Format(time.RFC3339) }
	for i, c := range []struct {
		flags []string
		first int
		count int // the number of traces
		read  int
	}{
		{[]string{"--since", at(10), "--until", at(20)}, 10, 10, 11},
		{[]string{"--since", at(13)}, 13, 37, 37},
		{[]string{"--until", at(5)}, 0, 5, 5},
		{[]string{"--since", "2027-01-01"}, 0, 0, 0},
	} {
		for _, target := range []string{fmt.Sprintf("sqlite:///%d.db", i), fmt.Sprintf("file://%s/%d.jsonl", dir, i)} {
			r := osp(t, dir, append([]string{"forward", "--from", source, "--to", target}, c.flags...)...)
			want := fmt.Sprintf("osp: %s read, %d written, 0 there already\n", counted(c.read, "notification"), c.read)
			if r.code != exitDone || r.stderr != want {
				t.Errorf("%q: %+v; want stderr %q", c.flags, r, want)
				continue
			}
			if c.count == 0 {
				continue
			}
			ids := listed(t, osp(t, dir, "trace", "list", "--json", "--connection-string", target).succeeded(t))
			if len(ids) != c.count || ids[len(ids)-1] != traceName(c.first) || ids[0] != traceName(c.first+c.count-1) {
				t.Errorf("%q: the target has %q", c.flags, ids)
			}
		}
	}
}

// A dry run reports how many notifications would be written. It creates no target, and does
// not change an existing one.
func TestForwardDryRun(t *testing.T) {
	dir := t.TempDir()
	source, _ := manyTraces(t, 50)
	for _, target := range []string{"sqlite:///new.db", "file://" + dir + "/new.jsonl"} {
		dry := []string{"forward", "--from", source, "--to", target, "--dry-run"}
		const all = "osp: 50 notifications read, 50 would be written, 0 there already\n"
		if r := osp(t, dir, dry...); r.code != exitDone || r.stderr != all {
			t.Errorf("%s: %+v", target, r)
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) > 0 && strings.HasPrefix(target, "sqlite") {
			t.Errorf("%s: the dry run created %v, %v", target, names, err)
		}
		if r := osp(t, dir, "forward", "--from", source, "--to", target, "--base-id", traceName(3)); r.code != exitDone {
			t.Errorf("%s: %+v", target, r)
		}
		const rest = "osp: 50 notifications read, 49 would be written, 1 there already\n"
		for range 2 {
			if r := osp(t, dir, dry...); r.code != exitDone || r.stderr != rest {
				t.Errorf("%s: %+v", target, r)
			}
		}
	}
}

// Contradicting flags are refused, and so is a target that cannot be written. Both are
// refused before a slow source is read.
func TestForwardRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, _ := manyTraces(t, 5)
	there, _ := manyTraces(t, 5)
	locked := filepath.Join(dir, "locked")
	if err := os.Mkdir(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	nobody := testenv.ClosedPort(t)
	for _, c := range []struct {
		args  string
		code  int
		error string
	}{
		{"--to sqlite:///x.db --base-id a --since 1h", exitUsage, "--since and --until cannot be given with it"},
		{"--to sqlite:///x.db --since 1h --until 2h", exitUsage, "should be before --until"},
		{"--to sqlite:///x.db --since tomorrow", exitUsage, `--since "tomorrow"`},
		{"--to " + there + "?osp_read_only=yes", exitUsage, "cannot be written, because its connection string has osp_read_only"},
		{"--to redis://" + nobody + "/0", exitFailed, "cannot write to the target"},
		{"--to file://" + locked + "/folder/new.jsonl", exitFailed, "cannot write to the target"},
	} {
		began := time.Now()
		r := osp(t, dir, append([]string{"forward", "--from", source}, strings.Fields(c.args)...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.error) || strings.Contains(r.stderr, " read, ") {
			t.Errorf("%s: %+v; want exit code %d and %q", c.args, r, c.code, c.error)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: it took %v, as if it were repeated", c.args, took)
		}
	}
	// A dry run writes nothing, so the target may be opened only for reading.
	r := osp(t, dir, "forward", "--from", source, "--to", there+"?osp_read_only=yes", "--dry-run")
	if r.code != exitDone || !strings.Contains(r.stderr, "5 would be written") {
		t.Errorf("%+v", r)
	}
}

// Completion offers the traces of the source for --base-id.
func TestForwardCompletion(t *testing.T) {
	source, _ := manyTraces(t, 5)
	for range 20 { // osp offers what it found in half a second
		r := osp(t, t.TempDir(), "__complete", "forward", "--from", source, "--base-id", traceName(3))
		if strings.HasPrefix(r.stdout, traceName(3)+"\t2026") {
			return
		}
		t.Logf("%+v", r)
	}
	t.Error("nothing is offered")
}

// A dry run does not claim that anything was forwarded.
func TestForwardDryRunOfDamagedSource(t *testing.T) {
	from := filepath.Join(t.TempDir(), "from.jsonl")
	if err := os.WriteFile(from, []byte(`{"name": "a-start", "base_id": "A", "info": {}}`+"\nno notification\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := osp(t, "", "forward", "--from", "file://"+from, "--to", "file://"+from+".new", "--dry-run")
	if r.code != exitFailed || !strings.Contains(r.stderr, "1 entry of the source cannot be forwarded; everything else would be") {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
}
