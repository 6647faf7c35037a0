package testenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// TestResources logs the real servers and tools that it finds. In CI it fails if
// one is missing.
func TestResources(t *testing.T) {
	var wg sync.WaitGroup
	for _, s := range Resources {
		wg.Go(func() { s.once() })
	}
	wg.Wait()
	for _, s := range Resources {
		t.Log(s.State())
		if s.once().err != nil && Required() {
			t.Errorf("%s=1, but something is missing", RequireVariable)
		}
	}
}

// Redact does not change the sentences that say how to get a server.
func TestHintsAreNotMasked(t *testing.T) {
	for _, s := range Resources {
		hint := s.missing(errors.New("dial: lookup a@b: no such host")).Error()
		if got := connstr.Redact(hint); got != hint {
			t.Errorf("%q becomes %q", hint, got)
		}
	}
}

func TestPythonIsProbed(t *testing.T) {
	fake := func(script string) string {
		path := filepath.Join(t.TempDir(), "python")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, bad := fake("echo 9.9.9"), fake("echo 'Traceback' >&2; echo 'ImportError: no osprofiler' >&2; exit 1")

	path, version, err := python("OSP_TEST_NONE", filepath.Join(t.TempDir(), "none"), bad, good)
	if path != good || version != "9.9.9" || err != nil {
		t.Errorf("got %q %q %v, want the one that can", path, version, err)
	}
	_, _, err = python("OSP_TEST_NONE", bad, filepath.Join(t.TempDir(), "none"))
	if err == nil || !strings.Contains(err.Error(), "ImportError: no osprofiler") || strings.Contains(err.Error(), "\n") {
		t.Errorf("none that can: %v", err)
	}
	t.Setenv("OSP_TEST_OWN", bad)
	if _, _, err = python("OSP_TEST_OWN", good); err == nil {
		t.Error("the user's own must not be passed over in silence")
	}
}

// recorder is a testing.TB that records whether the test was skipped or failed.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()      {}
func (r *recorder) Skip(...any)  { r.skipped = true }
func (r *recorder) Fatal(...any) { r.failed = true }

func TestMissingIsSkippedOrFails(t *testing.T) {
	none := resource(Resource{Name: "nothing", find: func() (string, string, error) { return "", "", errors.New("never was") }})
	some := resource(Resource{Name: "something", find: func() (string, string, error) { return "here", "1", nil }})
	for _, require := range []bool{false, true} {
		t.Setenv(RequireVariable, map[bool]string{true: "1"}[require])
		r := &recorder{TB: t}
		if at := none.need(r); at != "" || r.skipped == require || r.failed != require {
			t.Errorf("required %v: %q, skipped %v, failed %v", require, at, r.skipped, r.failed)
		}
		r = &recorder{TB: t}
		if at := some.need(r); at != "here" || r.skipped || r.failed {
			t.Errorf("required %v: %q, skipped %v, failed %v", require, at, r.skipped, r.failed)
		}
	}
	if s := none.State(); !strings.HasPrefix(s, "missing: nothing is not here (never was)") {
		t.Error(s)
	}
}

// NewPostgreSQL and NewMariaDB return a database that exists until drop.
func TestNewDatabases(t *testing.T) {
	for _, c := range []struct {
		server  *Resource
		fresh   func() (string, func() error, error)
		version func(ctx context.Context, url string) (string, error)
	}{
		{postgreSQLServer, NewPostgreSQL, postgreSQLVersion},
		{mariaDBServer, NewMariaDB, mariaDBVersion},
	} {
		c.server.need(t)
		url, drop, err := c.fresh()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.version(t.Context(), url); err != nil {
			t.Errorf("%s: %v", c.server.Name, err)
		}
		if err := drop(); err != nil {
			t.Error(err)
		}
		if _, err := c.version(t.Context(), url); err == nil {
			t.Errorf("%s: the database exists after drop", c.server.Name)
		}
	}
}
