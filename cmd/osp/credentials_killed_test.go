package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A victim is a server that is killed in the midst of what is done with it.
type victim struct {
	server *testenv.Server
	// at is the connection string by another address of the server.
	at    func(t *testing.T, addr string) string
	error string // stands in each error, or "" for the address
}

// killed runs all that reads and writes twice: to see how many bytes it sends,
// and with the server killed when it has sent a part of them.
func (v *victim) killed(t *testing.T) {
	t.Helper()
	proxy := testenv.NewProxy(t, v.server.Addr())
	at := v.at(t, proxy.Addr())
	c := &trouble{at: at, error: v.error}
	if c.error == "" {
		c.error = proxy.Addr()
	}
	fill(t, at)
	many(t, at)
	dir := t.TempDir()
	killed := make(chan bool, 1)
	proxy.AtCut(func() { v.server.Kill(); killed <- true })
	midway := func(what string, run func(dies bool)) {
		t.Helper()
		before, cuts := proxy.Bytes(), proxy.Cuts()
		run(false)
		proxy.CutAfter((proxy.Bytes() - before) / 3)
		run(true)
		proxy.CutAfter(-1)
		if proxy.Cuts() == cuts {
			t.Fatalf("%s was not in the midst of anything", what)
		}
		<-killed
		v.server.Restart()
	}
	for _, args := range [][]string{
		{"trace", "list", "--json", "--limit", "0", "--connection-string", at},
		{"trace", "show", goodTrace, "--json", "--connection-string", at},
		{"forward", "--from", at, "--to", "sqlite:///target.db"},
	} {
		midway(args[0], func(dies bool) { c.check(t, args, osp(t, dir, args...), !dies) })
	}
	midway("forward to it", func(dies bool) {
		args := []string{"forward", "--from", source(t, dir), "--to", at}
		c.check(t, args, osp(t, dir, args...), !dies) // it tries for half a minute
	})
	midway("a service", func(dies bool) {
		remarks := runService(t, at, osprofiler.NewID())
		c.sentences(t, remarks)
		if failed := slices.ContainsFunc(remarks, func(r remark) bool { return r.Kind == isError }); failed != dies {
			t.Errorf("the service should fail: %v", dies)
		}
	})
}

// many makes a store of many traces.
func many(t *testing.T, at string) {
	t.Helper()
	s, err := store.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var batch []osprofiler.Notification
	for range 1500 {
		batch = append(batch, event(osprofiler.NewID(), "x-start"))
	}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// source is a file of one new trace with many notifications.
func source(t *testing.T, dir string) (connectionString string) {
	t.Helper()
	var text strings.Builder
	id := osprofiler.NewID()
	for range 500 {
		n := event(id, "x-start")
		n.TraceID = osprofiler.NewID()
		text.WriteString(n.JSON() + "\n")
	}
	path := filepath.Join(dir, id+".jsonl")
	writeFile(t, path, text.String())
	return "file://" + path
}
