package sql_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// proxied returns a store that was opened while its server could not be reached,
// and the proxy in front of the server.
func proxied(t *testing.T, at, options string) (*store.Store, *testenv.Proxy) {
	t.Helper()
	proxy := testenv.NewProxy(t, parse(t, at).Host)
	proxy.Refuse(true)
	s, err := store.Open(t.Context(), withOption(t, strings.Replace(at, parse(t, at).Host, proxy.Addr(), 1), "osp_read_only", options))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, proxy
}

// A store can be opened while its server is down. Each use then reports that in
// one sentence, and the error of a Write is transient. When the server is up,
// the first use makes the table.
func TestServerComesLater(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s, proxy := proxied(t, at, "no")
		batch := []osprofiler.Notification{event("A", "x")}
		err := s.Write(t.Context(), batch)
		var failed *store.WriteError
		if !errors.As(err, &failed) || !failed.Transient {
			t.Errorf("Write returned %v, which should be transient", err)
		}
		var reading error
		for _, err := range s.Traces(t.Context(), store.Query{}) {
			reading = err
		}
		for what, err := range map[string]error{"Write": err, "Traces": reading, "Ping": s.Ping(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), proxy.Addr()) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: the error is %v", what, err)
			}
		}
		if tables := strs(t, foreign(t, at), "SELECT table_name FROM information_schema.tables WHERE table_name = 'data' AND table_schema IN ('public', '"+strings.Trim(parse(t, at).Path, "/")+"')"); len(tables) != 0 {
			t.Errorf("there are tables: %q", tables)
		}
		proxy.Refuse(false)
		for _, err := range s.Notifications(t.Context(), "A") { // this creates nothing
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("reading without a table ends with %v", err)
			}
		}
		if f, err := s.Feed(t.Context(), ""); err != nil || polled(t, f) != 0 {
			t.Errorf("a feed of no table yields something (%v)", err)
		}
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if got := names(t, s, "A"); len(got) != 1 {
			t.Errorf("the table has %q", got)
		}
	})
}

func polled(t *testing.T, f *store.Feed) (count int) {
	t.Helper()
	for _, err := range f.Poll(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		count++
	}
	return count
}

// Many goroutines use a store for the first time, at once. While the server is
// down, they share one attempt to connect. When the server is up, they make one
// table.
func TestManyAtFirstUse(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s, proxy := proxied(t, at, "no")
		each := func(expected bool) {
			t.Helper()
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					if err := s.Write(t.Context(), []osprofiler.Notification{event("A", fmt.Sprint(i))}); (err == nil) != expected {
						t.Errorf("Write returned %v", err)
					}
				})
			}
			group.Wait()
		}
		each(false)
		proxy.Refuse(false)
		each(true)
		if got := names(t, s, "A"); len(got) != 20 {
			t.Errorf("the table has %q", got)
		}
	})
}

// A read-only store of a database without the table reports that, until there is
// a table.
func TestReadOnlyBeforeTheTable(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s, proxy := proxied(t, at, "yes")
		proxy.Refuse(false)
		const want = `holds no traces: it has no table "data"`
		if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Ping returned %v", err)
		}
		for _, err := range s.Traces(t.Context(), store.Query{}) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Traces yields %v", err)
			}
		}
		if err := open(t, at).Write(t.Context(), []osprofiler.Notification{event("A", "x")}); err != nil {
			t.Fatal(err)
		}
		if got := names(t, s, "A"); len(got) != 1 {
			t.Errorf("the table has %q", got)
		}
	})
}

// The table is dropped while a store is open. Then reading finds nothing, and
// the next Write makes the table again.
func TestTableDropped(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		write := func(name string) {
			t.Helper()
			if err := s.Write(t.Context(), []osprofiler.Notification{event("A", name)}); err != nil {
				t.Fatal(err)
			}
		}
		write("before")
		f, err := s.Feed(t.Context(), "")
		if err != nil || polled(t, f) != 1 {
			t.Errorf("the feed does not yield one notification (%v)", err)
		}
		execute(t, foreign(t, at), "DROP TABLE data")
		for _, err := range s.Notifications(t.Context(), "A") {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("reading ends with %v", err)
			}
		}
		write("after")
		if got := names(t, s, "A"); len(got) != 1 || got[0] != "after" {
			t.Errorf("the table has %q", got)
		}
		for _, err := range f.Poll(t.Context()) {
			if !errors.Is(err, store.ErrCursor) {
				t.Errorf("the feed of the old table yields %v", err)
			}
		}
	})
}

// While somebody holds a lock on the table, each call returns when its context
// is done, even during a Close that waits for another call.
func TestContextsBesideALock(t *testing.T) {
	locks := map[string][]string{
		"postgresql": {"BEGIN", "LOCK TABLE data IN ACCESS EXCLUSIVE MODE"},
		"mariadb":    {"LOCK TABLES data WRITE"},
	}
	onServers(t, func(t *testing.T, name, at string) {
		s, err := openAt(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		locker, err := foreign(t, at).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer locker.Close() // this releases the lock
		for _, statement := range locks[name] {
			if _, err := locker.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		batch := []osprofiler.Notification{event("A", "x")}
		calls := map[string]func(ctx context.Context) error{
			"Write":  func(ctx context.Context) error { return s.Write(ctx, batch) },
			"Ping":   s.Ping,
			"Delete": func(ctx context.Context) error { _, err := s.Delete(ctx, "A"); return err },
			"Traces": func(ctx context.Context) (last error) {
				for _, last = range s.Traces(ctx, store.Query{}) {
				}
				return last
			},
			"Notifications": func(ctx context.Context) (last error) {
				for _, last = range s.Notifications(ctx, "A") {
				}
				return last
			},
		}
		for what, call := range calls {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			began := time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Minute {
				t.Errorf("%s returned %v after %v", what, err, time.Since(began))
			}
			cancel()
		}
		waiting := make(chan error, 1)
		go func() { waiting <- s.Write(context.Background(), batch) }()
		time.Sleep(200 * time.Millisecond) // most likely the call waits for the lock by then
		began := time.Now()
		if err := s.Close(); err != nil || time.Since(began) > time.Minute {
			t.Errorf("Close returned %v after %v", err, time.Since(began))
		}
		if err := <-waiting; !errors.Is(err, store.ErrClosed) {
			t.Errorf("a Write during Close returned %v", err)
		}
		for what, call := range calls {
			if err := call(t.Context()); !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s after Close returned %v", what, err)
			}
		}
	})
}

// If the context of the goroutine that connects first ends, the other
// goroutines, which wait for it, connect by themselves.
func TestFirstOfManyGivesUp(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s, proxy := proxied(t, at, "no")
		proxy.Refuse(false)
		proxy.Blackhole(true)
		write := func(ctx context.Context, name string) chan error {
			written := make(chan error, 1)
			go func() { written <- s.Write(ctx, []osprofiler.Notification{event("A", name)}) }()
			return written
		}
		ctx, cancel := context.WithCancel(t.Context())
		first := write(ctx, "first")
		time.Sleep(50 * time.Millisecond) // most likely the first goroutine connects by then
		second := write(t.Context(), "second")
		time.Sleep(50 * time.Millisecond) // most likely this goroutine waits for the first by then
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the first Write returned %v", err)
		}
		proxy.Blackhole(false)
		proxy.Reset()
		if err := <-second; err != nil && !isTransient(err) {
			t.Errorf("the second Write returned %v", err)
		}
		if err := (store.Retry{}).Write(t.Context(), s, []osprofiler.Notification{event("A", "third")}); err != nil {
			t.Error(err)
		}
	})
}

func isTransient(err error) bool {
	var failed *store.WriteError
	return errors.As(err, &failed) && failed.Transient
}
