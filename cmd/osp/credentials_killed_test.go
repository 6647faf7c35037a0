package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A victim is a server that is killed while the command or a service uses it.
type victim struct {
	server mortal
	// at returns the connection string of the server at another address.
	at    func(t *testing.T, addr string) string
	error string // a part of each error; "" stands for the address
	// quick is the option of at for a server that dies. For a server that runs, patient
	// replaces quick, because the server may be busy and need more time. If quick is empty, at
	// has no such option.
	quick, patient string
	// fill refills a message bus before each command. It is nil for other stores.
	fill func(t *testing.T)
	// proxy is the proxy whose address the server gives to its clients. It is nil if there is
	// none.
	proxy *testenv.Proxy
}

// A mortal is a server that can be killed.
type mortal interface {
	Addr() string
	Kill()
	Restart()
}

// killed kills the server during each command, and while a service runs.
func (v *victim) killed(t *testing.T) {
	t.Helper()
	proxy := v.proxy
	if proxy == nil {
		proxy = testenv.NewProxy(t, v.server.Addr())
	}
	c := &trouble{at: v.at(t, proxy.Addr()), error: cmp.Or(v.error, proxy.Addr())}
	if v.fill == nil {
		fill(t, c.at)
		many(t, c.at)
	}
	dir := t.TempDir()
	for _, args := range [][]string{
		{"trace", "list", "--json", "--limit", "0", "--connection-string"},
		{"trace", "show", goodTrace, "--json", "--connection-string"},
		{"forward", "--to", "sqlite:///target.db", "--from"},
	} {
		v.midway(t, proxy, func(dies bool) {
			args := append(slices.Clone(args), v.address(c.at, dies))
			c.check(t, args, osp(t, dir, args...), !dies)
		})
	}
	v.midway(t, proxy, func(dies bool) {
		args := []string{"forward", "--from", source(t, dir), "--to", v.address(c.at, dies)}
		c.check(t, args, osp(t, dir, args...), !dies) // forward retries for half a minute
	})
	v.midway(t, proxy, func(dies bool) {
		remarks := runService(t, v.address(c.at, dies), osprofiler.NewID())
		c.sentences(t, remarks)
		// Python's driver for MongoDB queries each trace of a listing. So most bytes of the
		// service belong to Python's answers.
		failed := slices.ContainsFunc(remarks, func(r remark) bool {
			return r.Kind == isError || r.Kind == isPython && strings.Contains(r.Text, c.error)
		})
		if failed != dies {
			t.Errorf("the service should fail: %v", dies)
		}
	})
}

// address returns the connection string at, with a timeout that depends on whether the
// server dies.
func (v *victim) address(at string, dies bool) string {
	if v.quick == "" || dies {
		return at
	}
	return strings.Replace(at, v.quick, v.patient, 1)
}

// midway calls run twice. The first call counts the bytes that run sends to the server.
// During the second call the server is killed when it has received a third of them.
func (v *victim) midway(t *testing.T, proxy *testenv.Proxy, run func(dies bool)) {
	t.Helper()
	killed := make(chan bool, 1)
	proxy.AtCut(func() { v.server.Kill(); killed <- true })
	v.filled(t)
	before, cuts := proxy.Bytes(), proxy.Cuts()
	run(false)
	sent := proxy.Bytes() - before
	v.filled(t)
	proxy.CutAfter(sent / 3)
	run(true)
	proxy.CutAfter(-1)
	if proxy.Cuts() == cuts {
		t.Fatal("the connection was not cut")
	}
	<-killed
	v.server.Restart()
}

// filled refills a message bus.
func (v *victim) filled(t *testing.T) {
	t.Helper()
	if v.fill != nil {
		v.fill(t)
	}
}

// many writes many traces to a store.
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

// source returns the connection string of a file with a new trace of many
// notifications.
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
