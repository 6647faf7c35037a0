package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checkedStore runs osp check --json for a store. It returns the results and the
// details by the names of the checks.
func checkedStore(t *testing.T, at string, args ...string) (results, details map[string]string, r result) {
	t.Helper()
	r = runCommand(t, t.TempDir(), []string{connectionVariable + "=" + at}, append([]string{ospBinary, "check", "--store", "--json"}, args...)...)
	results, details = map[string]string{}, map[string]string{}
	for line := range strings.Lines(r.stdout) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		results[f.Check], details[f.Check] = f.Result, f.Detail+"; "+f.Advice
	}
	if strings.Contains(r.stdout+r.stderr, password) || strings.Contains(r.stdout+r.stderr, password2) {
		t.Errorf("a password is shown: %+v", r)
	}
	return results, details, r
}

// osp check distinguishes a new store from a store with traces. It creates nothing without
// --write, and deletes the trace that it writes with --write.
func TestCheckStore(t *testing.T) {
	t.Parallel()
	versions := map[string]string{"sqlite": "(SQLite 3.", "redis": "(Redis ", "postgresql": "(PostgreSQL ", "mariadb": "(MariaDB 1"}
	for name, newStore := range deletingStores {
		t.Run(name, func(t *testing.T) {
			at := newStore(t)
			isFile := name == "file" || name == "sqlite"
			isTable := name == "postgresql" || name == "mariadb"
			for range 2 { // the first time creates nothing
				results, details, r := checkedStore(t, at)
				switch {
				case isFile && (r.code != exitFailed || results["reach"] != resultFailed || !strings.Contains(details["reach"], "the first write creates the file") || results["write"] != resultUntested):
					t.Errorf("a new store: %+v", r)
				case isTable && (r.code != exitDone || results["write"] != resultUntested || !strings.Contains(details["write"], "no table yet")):
					t.Errorf("a new store: %+v", r)
				case name == "redis" && (r.code != exitDone || results["write"] != resultUntested || !strings.Contains(details["write"], "accepts a connection for writing")):
					t.Errorf("a new store: %+v", r)
				}
			}
			results, details, r := checkedStore(t, at, "--write")
			if r.code != exitDone || results["reach"] != resultOK || results["read"] != resultOK || results["write"] != resultOK || results["delete"] != resultOK || results["follow"] != resultYes {
				t.Errorf("--write: %+v", r)
			}
			if !strings.Contains(details["reach"], versions[name]) || !strings.HasPrefix(details["write"], "a trace was written, read back and deleted, in ") {
				t.Errorf("--write: %+v", r)
			}
			if got := remaining(t, at); len(got) > 0 {
				t.Errorf("%v is left", got)
			}
			oldAndNew(t, at)
			results, details, r = checkedStore(t, at)
			if r.code != exitDone || !strings.HasPrefix(details["read"], "5 traces") || results["write"] != resultUntested || results["delete"] != resultYes {
				t.Errorf("a store with traces: %+v", r)
			}
			separator := "?"
			if strings.Contains(at, "?") {
				separator = "&"
			}
			results, details, r = checkedStore(t, at+separator+"osp_read_only=yes")
			if r.code != exitDone || results["write"] != resultUntested || !strings.Contains(details["write"], "osp_read_only") || results["delete"] != resultNo {
				t.Errorf("a read-only store: %+v", r)
			}
		})
	}
}

func TestCheckBrokenFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "t.jsonl")
	writeFile(t, path, `{"name": "a-start", "base_id": "A", "info": {}}`+"\nno notification\n")
	writeFile(t, filepath.Join(dir, "garbage.db"), strings.Repeat("garbage ", 1000))
	if _, details, r := checkedStore(t, "file://"+path); r.code != exitFailed || !strings.Contains(details["read"], "1 trace, but 1 entry cannot be read") {
		t.Errorf("a damaged file: %+v", r)
	}
	for _, at := range []string{"sqlite:///" + dir + "/garbage.db", "sqlite:///" + dir, "file://" + dir + "/no/folder"} {
		if results, _, r := checkedStore(t, at); r.code != exitFailed || results["reach"] != resultFailed || results["read"] != resultUntested {
			t.Errorf("%s: %+v", at, r)
		}
	}
	if results, _, r := checkedStore(t, "file://"+dir+"/no/folder", "--write"); r.code != exitFailed || results["write"] == resultOK {
		t.Errorf("a missing folder: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "no")); err == nil {
		t.Error("a folder was made")
	}
}

// The check counts at most 1,000 traces. For more traces it reports "at least 1,000".
func TestCheckIsBounded(t *testing.T) {
	at, _ := manyTraces(t, 1500)
	if _, details, r := checkedStore(t, at); r.code != exitDone || !strings.HasPrefix(details["read"], "at least 1,000 traces") {
		t.Errorf("%+v", r)
	}
}

// For a server that stopped, hangs, or refuses, the check reports a cause and advice.
func TestCheckRedisTroubles(t *testing.T) {
	t.Parallel()
	server, _ := startRedis(t)
	at := func(user, pw, db string) string { return as("redis", user, pw, server.Addr(), db) }
	good := at("", secret("redis"), "/0")
	fill(t, good)
	if _, _, r := checkedStore(t, good, "--write"); r.code != exitDone {
		t.Errorf("%+v", r)
	}
	wantTrouble(t, "wrong password", at("", secret("wrong"), "/0"), "reach", "correct the user and the password")
	wantTrouble(t, "no such database", at("", secret("redis"), "/99999999"), "reach", "create the database, or correct its name")
	wantTrouble(t, "a user who may not write", at("reader", secret("reader"), "/0"), "write", "give the account the right", "--write")
	wantTrouble(t, "a user who may not read", at("writer", secret("writer"), "/0"), "reach", "give the account the right")
	server.Stop()
	began := time.Now()
	wantTrouble(t, "a server that hangs", good, "reach", "check the address", "--timeout", "1s")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	server.Continue()
	server.Kill()
	wantTrouble(t, "a server that is down", good, "reach", "start the server")
}

func TestCheckSQLTroubles(t *testing.T) {
	t.Parallel()
	for _, k := range []sqlServer{postgreSQL, mariaDB} {
		t.Run(k.product, func(t *testing.T) {
			t.Parallel()
			server, admin := k.prepare(t)
			at := func(user, pw, database string) string { return as(k.scheme, user, pw, server.Addr(), database) }
			if _, _, r := checkedStore(t, admin.String(), "--write"); r.code != exitDone {
				t.Errorf("%+v", r)
			}
			good := admin.Path
			wantTrouble(t, "wrong password", at("service", secret("wrong"), good), "reach", "correct the user and the password")
			wantTrouble(t, "unknown database", withPath(admin, "/nosuch"), "reach", "create the database, or correct its name")
			wantTrouble(t, "another table", withPath(admin, "/osp_other"), "reach", "")
			wantTrouble(t, "a user who may not write", at("reader", secret("reader"), good), "write", "give the account the right")
			wantTrouble(t, "a user who may not read", at("writer", secret("writer"), good), "reach", "give the account the right")
			if _, details, r := checkedStore(t, at("service", secret("service"), good), "--write"); r.code != exitFailed || !strings.Contains(details["write"], "cannot be deleted, and stays there as ") {
				t.Errorf("a user who may not delete: %+v", r)
			}
			server.Kill()
			wantTrouble(t, "a server that is down", admin.String(), "reach", "start the server")
		})
	}
}

func withPath(u *url.URL, path string) string {
	other := *u
	other.Path = path
	return other.String()
}

// wantTrouble checks that a check fails with the given advice.
func wantTrouble(t *testing.T, name, at, check, advice string, args ...string) {
	t.Helper()
	results, details, r := checkedStore(t, at, args...)
	if r.code != exitFailed || results[check] != resultFailed || !strings.Contains(details[check], advice) || !strings.Contains(r.stderr, "checks failed") {
		t.Errorf("%s: %+v; want that %s fails with the advice %q", name, r, check, advice)
	}
}
