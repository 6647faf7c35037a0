package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// password2 ends what password begins: of both, no output may show a part.
const password2 = "trustno1"

// secret is a password with all that means something in a connection string
// between two words, so that no form of it hides both of them.
func secret(of string) string { return password + "@:/?&=%+#" + password2 + of }

// goodTrace is in every store that can be read.
const goodTrace = "2130e762-6fff-43b5-a1a2-be4dbd944bd2"

// A trouble is a store with something wrong, of which one clear sentence is to
// be said, wherever it shows.
type trouble struct {
	name          string
	at            string // the connection string
	error         string // stands in each error
	reads, writes bool   // what works nevertheless
	damage        string // stands in the warning of what is skipped
	writeTo       string // the base id that is written; "" is one of its own
}

// stores are those that have passwords, with all that can be wrong with them.
var stores = map[string]func(t *testing.T) ([]trouble, victim){
	"Redis": redisTroubles, "Redis Sentinel": sentinelTroubles, "PostgreSQL": postgreSQL.troubles, "MariaDB": mariaDB.troubles,
}

// Whatever is wrong: the command and the packages say in one sentence what it
// is, read what is good, and show no part of a password anywhere, and neither
// do the client libraries.
func TestCredentialsInNoOutput(t *testing.T) {
	var group sync.WaitGroup // they wait for servers most of the time
	for name, troubles := range stores {
		group.Go(func() {
			t.Run(name, func(t *testing.T) {
				all, victim := troubles(t)
				for _, c := range all {
					t.Run(c.name, func(t *testing.T) {
						c.commands(t)
						c.service(t)
					})
				}
				t.Run("killed in the midst", victim.killed)
			})
		})
	}
	group.Wait()
}

// commands runs what reads the store and what writes to it.
func (c *trouble) commands(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "source.jsonl")
	writeFile(t, source, event(c.written(), "x-start").JSON()+"\n"+event(c.written(), "x-stop").JSON()+"\n")
	for _, args := range [][]string{
		{"trace", "list", "--json", "--limit", "0", "--connection-string", c.at},
		{"trace", "show", goodTrace, "--json", "--connection-string", c.at},
		{"forward", "--from", c.at, "--to", "file://" + dir + "/target.jsonl"},
	} {
		r := osp(t, dir, args...)
		c.check(t, args, r, c.reads)
		if c.reads && args[0] == "trace" && !strings.Contains(r.stdout, goodTrace) {
			t.Errorf("%q: what is good is not read: %+v", args[:2], r)
		}
		if c.damage != "" && args[0] == "forward" && !strings.Contains(r.stderr, c.damage) {
			t.Errorf("%q: stderr %q, want a warning with %q", args[:2], r.stderr, c.damage)
		}
	}
	if c.reads && !strings.Contains(readFile(t, dir+"/target.jsonl"), goodTrace) {
		t.Error("what is good is not forwarded")
	}
	args := []string{"forward", "--from", "file://" + source, "--to", c.at}
	c.check(t, args, osp(t, dir, args...), c.writes && c.reads) // it looks for what is there
}

// written is the base id that is written.
func (c *trouble) written() string {
	if c.writeTo != "" {
		return c.writeTo
	}
	return "8a3f6d5e-1b2c-4d3e-9f40-a1b2c3d4e5f6"
}

// check is of one run of the command.
func (c *trouble) check(t *testing.T, args []string, r result, works bool) {
	t.Helper()
	showsNoPassword(t, args[0], r.stdout+r.stderr)
	checkSentence(t, r)
	if failed := r.code != exitDone; failed == works && (c.damage == "" || args[0] != "forward") {
		t.Errorf("%q: %+v; should it work? %v", args, r, works)
	}
	if !works && !strings.Contains(r.stderr, c.error) {
		t.Errorf("%q: stderr %q, want a sentence with %q", args, r.stderr, c.error)
	}
}

// showsNoPassword greps an output.
func showsNoPassword(t *testing.T, what, text string) {
	t.Helper()
	for _, word := range []string{password, password2, testenv.Password} {
		if strings.Contains(text, word) {
			t.Errorf("%s shows %q of a password:\n%.2000s", what, word, text)
		}
	}
}

// service runs a program that uses the packages, see [beService].
func (c *trouble) service(t *testing.T) {
	t.Helper()
	remarks := runService(t, c.at, c.written())
	c.sentences(t, remarks)
	if damaged := slices.ContainsFunc(remarks, func(r remark) bool { return r.Kind == isDamage }); damaged != (c.damage != "") {
		t.Errorf("what is skipped should be told: %v", c.damage != "")
	}
	said := func(kind string, whats ...string) bool {
		return slices.ContainsFunc(remarks, func(r remark) bool { return r.Kind == kind && slices.Contains(whats, r.What) })
	}
	for _, how := range [][]string{{"exporter.Open", "ExportSpans"}, {"exporter.OpenLive", "otel.Handle"}, {"store.Open", "Write"}} {
		if said(isError, how...) == c.writes {
			t.Errorf("%q: an error should come: %v", how, !c.writes)
		}
	}
	for _, what := range []string{"reader.Traces", "reader.Report", "reader.Spans", "Notifications", "Traces", "Changes"} {
		if said(isRead, what) != c.reads || said(isError, what, "reader.Open", "store.OpenReadOnly") == c.reads {
			t.Errorf("%s: what is good should be read: %v", what, c.reads)
		}
	}
}

// sentences checks what a service says of each error.
func (c *trouble) sentences(t *testing.T, remarks []remark) {
	t.Helper()
	for _, r := range remarks {
		switch r.Kind {
		case isError:
			if !strings.Contains(r.Text, c.error) || c.error == "" || strings.Contains(r.Text, "\n") {
				t.Errorf("%s says %q, want one sentence with %q", r.What, r.Text, c.error)
			}
		case isDamage:
			if !strings.Contains(r.Text, c.damage) || c.damage == "" || strings.Contains(r.Text, "\n") {
				t.Errorf("%s warns %q, want one sentence with %q", r.What, r.Text, c.damage)
			}
		}
	}
}

// event is a notification of the good trace, or of another.
func event(baseID, name string) osprofiler.Notification {
	return osprofiler.Notification{
		Name: name, BaseID: baseID, TraceID: "5d3e9f40-a1b2-4c3d-8e5f-60718293a4b5", ParentID: baseID,
		Timestamp: "2026-11-22T07:15:38.127314", Info: `{"host": "h"}`, Project: "p", Service: "s",
	}
}

// fill makes a store with the good trace.
func fill(t *testing.T, connectionString string) {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write(t.Context(), []osprofiler.Notification{event(goodTrace, "a-start"), event(goodTrace, "a-stop")}); err != nil {
		t.Fatal(err)
	}
}

// as is the connection string of a user: of a host, and what stands behind it.
func as(scheme, user, password, host, rest string) string {
	return fmt.Sprintf("%s://%s@%s%s", scheme, url.UserPassword(user, password), host, rest)
}
