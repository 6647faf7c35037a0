package redis_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// sized returns a notification whose JSON has slightly more than that number of
// bytes.
func sized(baseID string, i, bytes int) osprofiler.Notification {
	n := event(baseID, i)
	n.Info = osprofiler.Info(`{"text": "` + strings.Repeat("x", bytes) + `"}`)
	return n
}

// batchWith returns 20 notifications of two traces. The notifications with
// these indices are large.
func batchWith(bytes int, large ...int) []osprofiler.Notification {
	var batch []osprofiler.Notification
	for i := range 20 {
		id := []string{"A", "B"}[i%2]
		if slices.Contains(large, i) {
			batch = append(batch, sized(id, i, bytes))
		} else {
			batch = append(batch, event(id, i))
		}
	}
	return batch
}

// checkRefused writes a batch. It checks that the notifications with the
// indices in refused are refused, each by name and well within the time of
// retries, and that all others are stored in order.
func checkRefused(t *testing.T, s *store.Store, batch []osprofiler.Notification, limit string, refused ...int) {
	t.Helper()
	start := time.Now()
	err := store.Retry{Elapsed: 5 * time.Minute}.Write(t.Context(), s, batch)
	var partial *store.WriteError
	if !errors.As(err, &partial) || !slices.Equal(partial.Missing, refused) || !slices.Equal(partial.Refused, refused) {
		t.Fatalf("after %v the error is %+v", time.Since(start), err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	for _, i := range refused {
		n := batch[i]
		for _, part := range []string{fmt.Sprintf("%q", n.Name), fmt.Sprintf("base_id %q", n.BaseID), fmt.Sprintf("trace_id %q", n.TraceID), fmt.Sprint(len(n.AppendJSON(nil))), limit} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %s: %v", part, err)
			}
		}
	}
	checkStored(t, s, batch, refused)
}

// checkStored checks that the whole batch except some notifications is stored
// in the order of the batch.
func checkStored(t *testing.T, s *store.Store, batch []osprofiler.Notification, but []int) {
	t.Helper()
	want := map[string][]string{}
	for i, n := range batch {
		if !slices.Contains(but, i) {
			want[n.BaseID] = append(want[n.BaseID], n.TraceID)
		}
	}
	for id, traceIDs := range want {
		all, damage := collect(t, s.Notifications(t.Context(), id))
		got := make([]string, 0, len(all))
		for _, n := range slices.Backward(all) {
			got = append(got, n.TraceID)
		}
		if !slices.Equal(got, traceIDs) || damage != nil {
			t.Errorf("of %s there are %v in place of %v, and damage %v", id, got, traceIDs, damage)
		}
	}
}

// A notification that is larger than the server accepts does not keep the
// others from being stored.
func TestNotificationTooLarge(t *testing.T) {
	for _, c := range []struct {
		name, limit string
		bytes       int
		large       []int
		args        []string
	}{
		{"proto-max-bulk-len", "proto-max-bulk-len, which is 1048576,", 2 << 20, []int{10}, []string{"--proto-max-bulk-len", "1mb"}},
		{"much larger", "proto-max-bulk-len, which is 1048576,", 20 << 20, []int{10}, []string{"--proto-max-bulk-len", "1mb"}},
		{"the first, the last and neighbours", "proto-max-bulk-len", 2 << 20, []int{0, 7, 8, 19}, []string{"--proto-max-bulk-len", "1mb"}},
		{"client-query-buffer-limit", "client-query-buffer-limit, which is 1048576,", 2 << 20, []int{10}, []string{"--client-query-buffer-limit", "1mb"}},
		{"settings that the user may not read", "proto-max-bulk-len", 2 << 20, []int{10}, []string{"--client-query-buffer-limit", "1mb", "--rename-command", "CONFIG", ""}},
		{"no right but to push", "proto-max-bulk-len", 2 << 20, []int{10}, []string{"--proto-max-bulk-len", "1mb", "--rename-command", "CONFIG", "", "--rename-command", "LLEN", ""}},
		{"maxmemory", "maxmemory, which is 20971520,", 30 << 20, []int{10}, []string{"--maxmemory", "20mb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := testenv.StartRedis(t, c.args...)
			s := open(t, "redis://"+server.Addr()+"?osp_legacy=no")
			batch := batchWith(c.bytes, c.large...)
			if strings.HasPrefix(c.name, "no right") {
				checkRefusedBlindly(t, s, batch, server.Addr(), c.large...)
				return
			}
			checkRefused(t, s, batch, c.limit, c.large...)
		})
	}
}

// checkRefusedBlindly does the same as checkRefused on a server whose lists
// cannot be read.
func checkRefusedBlindly(t *testing.T, s *store.Store, batch []osprofiler.Notification, addr string, refused ...int) {
	t.Helper()
	var partial *store.WriteError
	if err := s.Write(t.Context(), batch); !errors.As(err, &partial) || !slices.Equal(partial.Refused, refused) || partial.Transient {
		t.Fatalf("the error is %+v", err)
	}
	for _, id := range []string{"A", "B"} {
		if all, err := bare(t, "redis://"+addr).LRange(t.Context(), "osprofiler_opt:"+id, 0, -1).Result(); err != nil || len(all) < 9 {
			t.Errorf("of %s there are %d: %v", id, len(all), err)
		}
	}
}

// Large notifications are isolated in a cluster, too. There the client library
// repeats a command that breaks a connection.
func TestNotificationTooLargeInACluster(t *testing.T) {
	addrs := startCluster(t)
	for _, addr := range addrs {
		do(t, bare(t, "redis://"+addr), "CONFIG", "SET", "proto-max-bulk-len", "1mb")
	}
	s := open(t, "redis://"+strings.Join(addrs, ",")+"?osp_cluster=yes&osp_legacy=no")
	var batch []osprofiler.Notification
	for i := range 40 {
		batch = append(batch, event(fmt.Sprint("trace-", i), i))
	}
	batch[7], batch[20] = sized("trace-7", 7, 2<<20), sized("trace-20", 20, 2<<20)
	err := store.Retry{Elapsed: 5 * time.Minute}.Write(t.Context(), s, batch)
	var partial *store.WriteError
	if !errors.As(err, &partial) || !slices.Equal(partial.Missing, []int{7, 20}) || !slices.Equal(partial.Refused, []int{7, 20}) {
		t.Fatalf("the error is %+v", err)
	}
	for i := range batch {
		if i != 7 && i != 20 {
			if got, _ := collect(t, s.Notifications(t.Context(), batch[i].BaseID)); len(got) != 1 {
				t.Errorf("of trace %d there are %v", i, got)
			}
		}
	}
}

// Large notifications are isolated over TLS, too.
func TestNotificationTooLargeWithTLS(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	server := testenv.StartRedisTLS(t, c, "--proto-max-bulk-len", "1mb")
	s := open(t, "rediss://"+server.Addr()+"?osp_legacy=no&ssl_ca_certs="+c.Authority)
	checkRefused(t, s, batchWith(2<<20, 10), "proto-max-bulk-len, which is 1048576,", 10)
}

// A refused notification does not count as one that lacks replicas, and the
// others have their replicas.
func TestNotificationTooLargeWithReplicas(t *testing.T) {
	server, replica := testenv.StartRedis(t, "--proto-max-bulk-len", "1mb"), testenv.StartRedis(t)
	host, port, _ := net.SplitHostPort(server.Addr())
	do(t, bare(t, "redis://"+replica.Addr()), "REPLICAOF", host, port)
	s := open(t, "redis://"+server.Addr()+"?osp_legacy=no&osp_replicas=1&osp_ttl=3600")
	batch := batchWith(2<<20, 10)
	checkRefused(t, s, batch, "proto-max-bulk-len", 10)
	checkStored(t, open(t, "redis://"+replica.Addr()+"?osp_legacy=no"), batch, []int{10})
}

// durable makes a server write each command to its disk before it answers.
var durable = []string{"--appendonly", "yes", "--appendfsync", "always"}

// No notification counts as refused when a server is killed while it receives
// large notifications.
func TestLargeNotificationsAndAServerThatRestarts(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, durable...)
	r := record(open(t, "redis://"+server.Addr()+"?osp_legacy=no"))
	enough := make(chan struct{})
	written := make(chan error, 1)
	var all []osprofiler.Notification
	go func() {
		for b := 0; ; b++ {
			batch := []osprofiler.Notification{event("A", 3*b), sized("A", 3*b+1, 1<<20), event("A", 3*b+2)}
			all = append(all, batch...)
			err := store.Retry{Elapsed: 3 * time.Minute}.Write(t.Context(), r.Store, batch)
			select {
			case <-enough:
				written <- err
				return
			default:
			}
			if err != nil {
				written <- err
				return
			}
		}
	}()
	for range 3 {
		met := r.count()
		server.Kill()
		for began := time.Now(); r.count() == met && time.Since(began) < time.Minute; {
			time.Sleep(time.Millisecond)
		}
		if r.count() == met {
			t.Error("no write met the server while it was down")
		}
		server.Restart()
	}
	close(enough)
	if err := <-written; err != nil {
		t.Error(err)
	}
	got, _ := collect(t, r.Notifications(t.Context(), "A"))
	if len(got) != len(all) {
		t.Errorf("%d of %d are there", len(got), len(all))
	}
}

// A large notification to which the server does not answer in time is not
// refused, and does not keep the others from being stored.
func TestLargeNotificationThatIsSlow(t *testing.T) {
	t.Parallel()
	proxy := testenv.NewProxy(t, testenv.StartRedis(t).Addr())
	s := open(t, "redis://"+proxy.Addr()+"?osp_legacy=no&socket_timeout=10")
	batch := batchWith(16<<20, 5, 10) // each takes more than 1000 pieces
	proxy.Delay(50 * time.Millisecond)
	err := s.Write(t.Context(), batch)
	proxy.Delay(0)
	var partial *store.WriteError
	if !errors.As(err, &partial) || !slices.Equal(partial.Missing, []int{5, 10}) || partial.Refused != nil || !partial.Transient {
		t.Fatalf("the error is %+v", err)
	}
	checkAmong(t, s, batch, []int{5, 10})
}

// checkAmong checks that at least the notifications of a batch without some of
// them are stored.
func checkAmong(t *testing.T, s *store.Store, batch []osprofiler.Notification, but []int) {
	t.Helper()
	there := map[string]bool{}
	for _, id := range []string{"A", "B"} {
		all, _ := collect(t, s.Notifications(t.Context(), id))
		for _, n := range all {
			there[n.TraceID] = true
		}
	}
	for i, n := range batch {
		if !there[n.TraceID] && !slices.Contains(but, i) {
			t.Errorf("notification %d is not there", i)
		}
	}
}
