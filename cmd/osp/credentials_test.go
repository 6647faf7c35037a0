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

// password2 is the last word of each secret, and password the first. No output may
// contain either of them.
const password2 = "trustno1"

// secret returns a password with all special characters of a connection string
// between two words. No escaping changes both words.
func secret(of string) string { return password + "@:/?&=%+#" + password2 + of }

// goodTrace is in every readable store.
const goodTrace = "2130e762-6fff-43b5-a1a2-be4dbd944bd2"

// A trouble is a store or a connection string with a problem. Each error must be one clear
// sentence.
type trouble struct {
	name          string
	at            string // the connection string
	error         string // a part of each error
	reads, writes bool   // whether reading and writing work nevertheless
	damage        string // a part of the warning about skipped entries
	writeTo       string // the base id to write; "" is another id than goodTrace
	// noFeed is true if the kind of store cannot be followed.
	noFeed bool
	// slow is true if each call waits for a timeout of the client. Slow troubles of a store
	// are tested at the same time, so they neither read nor write.
	slow bool
	// refill puts the good trace on a message bus again, because forwarding removes it. It is
	// nil for other stores.
	refill func(t *testing.T)
}

// stores are the kinds of stores with passwords. Each entry has all possible troubles, and a
// server to kill.
var stores = map[string]func(t *testing.T) ([]trouble, victim){
	"Redis": redisTroubles, "Redis Sentinel": sentinelTroubles, "PostgreSQL": postgreSQL.troubles, "MariaDB": mariaDB.troubles,
	"Elasticsearch": elasticsearchTroubles, "MongoDB": mongoDBTroubles, "RabbitMQ": rabbitMQTroubles, "Kafka": kafkaTroubles,
	"Log Insight": logInsightTroubles,
}

// For each trouble, the command and the packages return one sentence, and read the undamaged
// entries. No output contains a part of a password, not even the logs of the client
// libraries.
func TestCredentialsInNoOutput(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup // concurrent, because the tests mostly wait for servers
	for name, troubles := range stores {
		group.Go(func() {
			t.Run(name, func(t *testing.T) {
				all, victim := troubles(t)
				testTroubles(t, all)
				t.Run("killed during a call", victim.killed)
			})
		})
	}
	group.Wait()
}

// testTroubles tests the troubles of a store, three slow ones at the same time.
func testTroubles(t *testing.T, all []trouble) {
	t.Helper()
	test := func(c trouble) {
		t.Run(c.name, func(t *testing.T) {
			c.commands(t)
			c.service(t)
		})
	}
	slow := make(chan trouble)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for c := range slow {
				test(c)
			}
		})
	}
	group.Go(func() {
		defer close(slow)
		for _, c := range all {
			if c.slow {
				slow <- c
			}
		}
	})
	for _, c := range all {
		if !c.slow {
			test(c)
		}
	}
	group.Wait()
}

// commands runs the commands that read the store, and one that writes to it.
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
			t.Errorf("%q does not read the good trace: %+v", args[:2], r)
		}
		if c.damage != "" && args[0] == "forward" && !strings.Contains(r.stderr, c.damage) {
			t.Errorf("%q: stderr %q, want a warning with %q", args[:2], r.stderr, c.damage)
		}
	}
	if c.reads && !strings.Contains(readFile(t, dir+"/target.jsonl"), goodTrace) {
		t.Error("the good trace is not forwarded")
	}
	if c.refill != nil && c.reads {
		c.refill(t)
	}
	args := []string{"forward", "--from", "file://" + source, "--to", c.at}
	c.check(t, args, osp(t, dir, args...), c.writes && (c.reads || c.refill != nil)) // forward also reads the target, unless it is a bus
}

// written returns the base id to write.
func (c *trouble) written() string {
	if c.writeTo != "" {
		return c.writeTo
	}
	return "8a3f6d5e-1b2c-4d3e-9f40-a1b2c3d4e5f6"
}

// check checks the result of a command.
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

// showsNoPassword checks that an output has no part of a password.
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
		t.Errorf("there should be a warning about skipped entries: %v", c.damage != "")
	}
	has := func(kind string, whats ...string) bool {
		return slices.ContainsFunc(remarks, func(r remark) bool { return r.Kind == kind && slices.Contains(whats, r.What) })
	}
	for _, how := range [][]string{{"exporter.Open", "ExportSpans"}, {"live.Open", "otel.Handle"}, {"store.Open", "Write"}} {
		if has(isError, how...) == c.writes {
			t.Errorf("%q: should there be an error? %v", how, !c.writes)
		}
	}
	reads := []string{"reader.Traces", "reader.Report", "reader.Spans", "Notifications", "Traces", "Poll"}
	switch {
	case c.refill != nil:
		reads[len(reads)-1] = "Take" // a bus has no feed
	case c.noFeed:
		reads = reads[:len(reads)-1]
	}
	for _, what := range reads {
		if has(isRead, what) != c.reads || has(isError, what, "reader.Open", "store.OpenReadOnly") == c.reads {
			t.Errorf("%s: should it read the good trace? %v", what, c.reads)
		}
	}
}

// sentences checks the errors and the warnings of a service.
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

// event returns a notification of the trace with this base id.
func event(baseID, name string) osprofiler.Notification {
	return osprofiler.Notification{
		Name: name, BaseID: baseID, TraceID: "5d3e9f40-a1b2-4c3d-8e5f-60718293a4b5", ParentID: baseID,
		Timestamp: "2026-11-22T07:15:38.127314", Info: `{"host": "h"}`, Project: "p", Service: "s",
	}
}

// fill writes the good trace to a store.
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

// as returns the connection string of a user. rest follows after the host.
func as(scheme, user, password, host, rest string) string {
	return fmt.Sprintf("%s://%s@%s%s", scheme, url.UserPassword(user, password), host, rest)
}
