package main

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// deletingStores are the kinds of stores that can delete.
var deletingStores = map[string]func(t testing.TB) string{
	"file":       func(t testing.TB) string { return "file://" + filepath.Join(t.TempDir(), "t.jsonl") },
	"sqlite":     func(t testing.TB) string { return "sqlite:///" + filepath.Join(t.TempDir(), "t.db") },
	"redis":      testenv.RedisDB,
	"postgresql": testenv.PostgreSQL,
	"mariadb":    testenv.MariaDB,
}

const (
	oldTrace     = "0e000000-0000-4000-8000-000000000001"
	shoutedTrace = "0E000000-0000-4000-8000-00000000000A" // its lower-case form is the id of another trace
	longTrace    = "0e000000-0000-4000-8000-000000000003" // it began long ago and still gets events
	newTraceID   = "0e000000-0000-4000-8000-000000000004"
	timeless     = "0e000000-0000-4000-8000-000000000005"
)

// oldAndNew fills a store with three traces that ended 40 days ago and two whose last
// event is now.
func oldAndNew(t *testing.T, at string) {
	t.Helper()
	old, now := time.Now().Add(-40*day), time.Now()
	var batch []osprofiler.Notification
	add := func(id, name string, at time.Time) {
		n := event(id, name)
		n.Timestamp = osprofiler.FormatTime(at)
		batch = append(batch, n)
	}
	for _, id := range []string{oldTrace, shoutedTrace, strings.ToLower(shoutedTrace)} {
		add(id, "old-start", old)
		add(id, "old-stop", old.Add(time.Second))
	}
	add(longTrace, "long-start", old)
	add(longTrace, "long-stop", now)
	add(newTraceID, "new-start", now)
	s, err := store.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// remaining returns the base ids of a store, sorted.
func remaining(t *testing.T, at string) []string {
	t.Helper()
	ids := listed(t, osp(t, t.TempDir(), "trace", "list", "--json", "--limit", "0", "--connection-string", at).stdout)
	slices.Sort(ids)
	return ids
}

func sorted(ids ...string) []string {
	slices.Sort(ids)
	return ids
}

var allTraces = sorted(oldTrace, shoutedTrace, strings.ToLower(shoutedTrace), longTrace, newTraceID)

func TestPrune(t *testing.T) {
	for name, newStore := range deletingStores {
		t.Run(name, func(t *testing.T) {
			at := newStore(t)
			oldAndNew(t, at)
			prune := func(args ...string) result {
				return osp(t, t.TempDir(), append([]string{"prune", "--connection-string", at, "--older-than"}, args...)...)
			}
			r := prune("30d", "--dry-run")
			if r.code != exitDone || r.stderr != "osp: 3 traces with 6 notifications would be deleted\n" || strings.Count(r.stdout, "  2 notifications  old\n") != 3 {
				t.Errorf("dry run: %+v", r)
			}
			if r := prune("30d"); r.code != exitUsage || !strings.Contains(r.stderr, "no terminal to ask on: give --yes") {
				t.Errorf("without a terminal: %+v", r)
			}
			if r := prune("50d", "--yes"); r.code != exitDone || !strings.Contains(r.stderr, "there are no traces whose last event is before") {
				t.Errorf("too old: %+v", r)
			}
			if r := prune("30d", "--yes", "--service", "nobody"); r.code != exitDone || !strings.Contains(r.stderr, "there are no traces") {
				t.Errorf("another service: %+v", r)
			}
			if got := remaining(t, at); !slices.Equal(got, allTraces) {
				t.Fatalf("%v is left", got)
			}
			if r := prune("30d", "--yes"); r.code != exitDone || r.stderr != "osp: 3 traces with 6 notifications deleted\n" || r.stdout != "" {
				t.Errorf("%+v", r)
			}
			if got := remaining(t, at); !slices.Equal(got, sorted(longTrace, newTraceID)) {
				t.Errorf("%v is left", got)
			}
		})
	}
}

func TestTraceDelete(t *testing.T) {
	for name, newStore := range deletingStores {
		t.Run(name, func(t *testing.T) {
			at := newStore(t)
			oldAndNew(t, at)
			del := func(args ...string) result {
				return osp(t, t.TempDir(), append([]string{"trace", "delete", "--connection-string", at}, args...)...)
			}
			r := del("--dry-run", oldTrace, newTraceID)
			if r.code != exitDone || r.stderr != "osp: 2 traces with 3 notifications would be deleted\n" || !strings.HasPrefix(r.stdout, oldTrace+"  ") {
				t.Errorf("dry run: %+v", r)
			}
			if r := del("--dry-run", oldTrace, strings.ReplaceAll(oldTrace, "-", "")); !strings.Contains(r.stderr, "osp: 1 trace with 2 notifications would") {
				t.Errorf("dry run of one trace named twice: %+v", r)
			}
			if r := del(oldTrace); r.code != exitUsage || !strings.Contains(r.stderr, "no terminal to ask on") {
				t.Errorf("without a terminal: %+v", r)
			}
			if r := del("-y", oldTrace[:13]); r.code != exitNotFound || !strings.Contains(r.stderr, "the beginning of an id is not enough") {
				t.Errorf("a prefix: %+v", r)
			}
			if got := remaining(t, at); !slices.Equal(got, allTraces) {
				t.Fatalf("%v is left", got)
			}
			if r := del("-y", shoutedTrace); r.code != exitDone || r.stderr != "osp: 1 trace with 2 notifications deleted\n" {
				t.Errorf("%+v", r)
			}
			if got := remaining(t, at); slices.Contains(got, shoutedTrace) || len(got) != 4 {
				t.Errorf("the trace as typed should be deleted, and not its canonical form: %v is left", got)
			}
			r = del("-y", "nosuch", shoutedTrace, strings.ToLower(shoutedTrace), oldTrace)
			if r.code != exitNotFound || !strings.Contains(r.stderr, "osp: 2 traces with 4 notifications deleted\n") || !strings.Contains(r.stderr, `osp: no such trace: "nosuch"`+"\n") {
				t.Errorf("some that do not exist: %+v", r)
			}
			if got := remaining(t, at); !slices.Equal(got, sorted(longTrace, newTraceID)) {
				t.Errorf("%v is left", got)
			}
			for _, flag := range []string{"-y", "--dry-run"} {
				if r := del(flag, oldTrace); r.code != exitNotFound {
					t.Errorf("%s: %+v", flag, r)
				}
			}
		})
	}
}

func TestDeletingRefusals(t *testing.T) {
	dir := badInput(t)
	path := filepath.Join(dir, "whole.jsonl")
	before := readFile(t, path)
	at := "file://" + path
	for args, want := range map[string]struct {
		code  int
		error string
	}{
		"trace delete":      {exitUsage, "give the base ids of the traces to delete"},
		"trace delete b -y": {exitUsage, "no store is named"},
		"trace delete b -y --connection-string " + at + "?osp_read_only=yes":            {exitUsage, "cannot be deleted"},
		"prune --yes --connection-string " + at:                                         {exitUsage, "give --older-than, such as --older-than 30d"},
		"prune --older-than 30 --yes --connection-string " + at:                         {exitUsage, `--older-than "30": it should be a time like`},
		"prune --older-than 2999-01-01 --yes --connection-string " + at:                 {exitUsage, "is in the future"},
		"prune b --older-than 1d --connection-string " + at:                             {exitUsage, `osp prune takes no arguments, but got "b"`},
		"prune --older-than 1d -y --connection-string " + at + "?osp_read_only=yes":     {exitUsage, "because its connection string has osp_read_only"},
		"prune --older-than 1d -y --connection-string file://" + dir + "/nosuch":        {exitFailed, "nosuch"},
		"prune --older-than 1d -y --connection-string redis://" + testenv.ClosedPort(t): {exitFailed, "connection refused"},
		"trace delete b -y --connection-string redis://" + testenv.ClosedPort(t):        {exitFailed, "connection refused"},
	} {
		if strings.Contains(want.error, "cannot be deleted") {
			want.error = "because its connection string has osp_read_only"
		}
		r := osp(t, dir, strings.Fields(args)...)
		if r.code != want.code || !strings.Contains(r.stderr, want.error) || strings.Count(r.stderr, "osp: ") != 1 {
			t.Errorf("osp %s: %+v; want %d, %q", args, r, want.code, want.error)
		}
	}
	if r := osp(t, dir, "trace", "delete", "", "--yes", "--connection-string", at); r.code != exitUsage || !strings.Contains(r.stderr, "a base id is empty") {
		t.Errorf("an empty id: %+v", r)
	}
	if readFile(t, path) != before {
		t.Error("the file was changed")
	}
}

// prune keeps a trace without any time, because its age is unknown.
func TestPruneKeepsTimelessTraces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.jsonl")
	writeFile(t, path, `{"name": "a-start", "base_id": "`+timeless+`", "timestamp": "soon", "info": {}}`+"\n"+
		`{"name": "a-start", "base_id": "b", "timestamp": "2020-01-01T00:00:00.000000", "info": {}}`+"\n")
	r := osp(t, "", "prune", "--older-than", "1d", "-y", "--connection-string", "file://"+path)
	if r.code != exitDone || !strings.Contains(r.stderr, "osp: warning: 1 trace without any time, or with an entry that cannot be read, kept") || !strings.Contains(r.stderr, "osp: 1 trace with 1 notification deleted\n") {
		t.Errorf("%+v", r)
	}
	if got := remaining(t, "file://"+path); !slices.Equal(got, []string{timeless}) {
		t.Errorf("%v is left", got)
	}
}

// prune lists the traces several times, and deletes each of them once.
func TestPruneInRounds(t *testing.T) {
	at := "file://" + filepath.Join(t.TempDir(), "t.jsonl")
	oldAndNew(t, at)
	s, err := store.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var stderr bytes.Buffer
	p := &prune{olderThan: when{Time: time.Now().Add(-day), now: time.Now}, atOnce: 1}
	p.stdout, p.stderr = io.Discard, &stderr
	r := &pruning{prune: p, store: s, warn: &warnings{w: &stderr}, refused: map[string]bool{}}
	rounds := 0
	for done := false; !done; rounds++ {
		if done, err = r.round(t.Context(), -1); err != nil {
			t.Fatal(err)
		}
	}
	if rounds != 3 || r.deleted != (tally{3, 6}) {
		t.Errorf("%d rounds deleted %v; %s", rounds, r.deleted, &stderr)
	}
	if got := remaining(t, at); len(got) != 2 {
		t.Errorf("%v is left", got)
	}
}

// prune refuses an empty --service, because it is probably an unset variable of the shell.
// It does not mean all services.
func TestPruneOfAService(t *testing.T) {
	at := "file://" + filepath.Join(t.TempDir(), "t.jsonl")
	oldAndNew(t, at)
	r := osp(t, "", "prune", "--older-than", "30d", "--yes", "--service", "", "--connection-string", at)
	if r.code != exitUsage || !strings.Contains(r.stderr, "osp: --service is empty; leave it out to prune the traces of all services\n") {
		t.Errorf("%+v", r)
	}
	r = osp(t, "", "prune", "--older-than", "30d", "--yes", "--service", "nosuch", "--connection-string", at)
	if r.code != exitDone || !strings.Contains(r.stderr, `osp: there are no traces of the service "nosuch" whose last event is before 20`) {
		t.Errorf("%+v", r)
	}
	if got := remaining(t, at); !slices.Equal(got, allTraces) {
		t.Errorf("%v is left", got)
	}
}

// prune keeps a trace with an entry that cannot be read, because its age is unknown.
func TestPruneKeepsDamagedTraces(t *testing.T) {
	at := testenv.RedisDB(t)
	oldAndNew(t, at)
	options, err := redis.ParseURL(at)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.RPush(t.Context(), "osprofiler_opt:"+oldTrace, "no JSON").Err(); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--dry-run", "--yes"} {
		r := osp(t, "", "prune", "--older-than", "30d", flag, "--connection-string", at)
		if r.code != exitDone || !strings.Contains(r.stderr, "osp: warning: 1 trace without any time, or with an entry that cannot be read, kept") ||
			!strings.Contains(r.stderr, "osp: 2 traces with 4 notifications ") {
			t.Errorf("%s: %+v", flag, r)
		}
	}
	if got := remaining(t, at); !slices.Contains(got, oldTrace) || len(got) != 3 {
		t.Errorf("%v is left", got)
	}
}

// A spool returns its texts in order, from memory and from its file.
func TestSpool(t *testing.T) {
	s := &spool{}
	long := strings.Repeat("x", 5000)
	for i := range 1000 {
		if err := s.add(traceName(i) + long); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.add(""); err != nil {
		t.Fatal(err)
	}
	if s.file == nil || len(s.head) > 300 {
		t.Errorf("%d of the texts are in memory", len(s.head))
	}
	for range 2 {
		i := 0
		err := s.each(func(text string) error {
			if want := traceName(i) + long; i < 1000 && text != want || i == 1000 && text != "" {
				t.Fatalf("text %d is %.50q", i, text)
			}
			i++
			return nil
		})
		if err != nil || i != 1001 {
			t.Fatalf("%d texts, %v", i, err)
		}
	}
	name := s.file.Name()
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if matches, _ := filepath.Glob(name); len(matches) > 0 {
		t.Error("the temporary file is left")
	}
}

// A spool returns its texts in batches of limited size.
func TestSpoolInBatches(t *testing.T) {
	s := &spool{}
	for _, text := range []string{"a", "b", "c", "d", "e"} {
		if err := s.add(text); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err := s.batches(2, func(texts []string) error {
		got = append(got, strings.Join(texts, ""))
		return nil
	})
	if want := []string{"ab", "cd", "e"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
}
