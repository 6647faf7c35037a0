package redis_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// checkStays writes with a retry whose time is longer than the test, and checks
// that the refusal stops the retries at once.
func checkStays(t *testing.T, at, says string) {
	t.Helper()
	r := record(open(t, at))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// A command of more than ten words from a client without a password breaks
	// the connection.
	err := store.Retry{Elapsed: 5 * time.Minute}.Write(ctx, r.Store, sample("A", 50))
	var partial *store.WriteError
	if !errors.As(err, &partial) || len(partial.Missing) != 50 || ctx.Err() != nil {
		t.Fatalf("the error is %v", err)
	}
	if r.count() != 1 {
		t.Errorf("it was tried %d times", r.count())
	}
	if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error does not say %q in one line: %v", says, err)
	}
}

// A refusal that stays stops the retries at once and says what is wrong, even
// if the server closes the connection and the client library hides the reason.
func TestRefusalsThatStay(t *testing.T) {
	open := testenv.StartRedis(t).Addr()
	secured := testenv.StartRedis(t, "--requirepass", "geheim0").Addr()
	do(t, bare(t, "redis://:geheim0@"+secured), "ACL", "SETUSER", "reader", "on", ">pw", "~osprofiler*", "-@all", "+llen")
	renamed := testenv.StartRedis(t, "--rename-command", "LPUSH", "push").Addr()
	cluster := testenv.StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", portOf(freeAddress(t))).Addr()
	web := foreign(t)
	for _, c := range []struct{ name, at, says string }{
		{"no password", "redis://" + secured, "refuses the user or the password"},
		{"wrong password", "redis://:no@" + secured, "refuses the user or the password"},
		{"wrong user", "redis://nobody:geheim0@" + secured, "refuses the user or the password"},
		{"user without rights", "redis://reader:pw@" + secured, "does not give the user of the connection string the rights"},
		{"renamed command", "redis://" + renamed, "unknown command"},
		{"database out of range", "redis://" + open + "/99999", "has no database of the number"},
		{"database in a cluster", "redis://" + cluster + "/3", "SELECT is not allowed in cluster mode"},
		{"cluster that is none", "redis://" + open + "?osp_cluster=yes", "cluster support disabled"},
		{"another protocol", "redis://" + web, "does not answer as a Redis server does"},
		{"another protocol behind TLS", "rediss://" + web, "does not speak TLS"},
		{"socket below a file", "redis+unix:///dev/null/socket", "cannot connect to Redis at /dev/null/socket"},
	} {
		t.Run(c.name, func(t *testing.T) { checkStays(t, c.at, c.says) })
	}
}

// foreign is a server of another protocol, which answers like a mail server.
func foreign(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = conn.Write([]byte("220 mail.example.org ESMTP\r\n"))
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// A server without a password accepts connections from its own host only. The
// client library loses the reason that the server sends to others.
func TestProtectedMode(t *testing.T) {
	server := testenv.StartRedis(t, "--protected-mode", "yes")
	proxy := elsewhere(t, server.Addr())
	checkStays(t, "redis://"+proxy, "is in protected mode")
}

// elsewhere returns the address of a proxy that connects from an address
// outside the loopback interface. If the machine has no such address, it
// returns the address of a server that answers as Redis does to such
// connections.
func elsewhere(t *testing.T, target string) string {
	t.Helper()
	from := outerAddress(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go carry(conn, from, target)
		}
	}()
	return l.Addr().String()
}

func carry(conn net.Conn, from net.IP, target string) {
	defer conn.Close()
	if from == nil {
		_, _ = conn.Write([]byte("-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user.\r\n"))
		return
	}
	server, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, conn) }()
	_, _ = io.Copy(conn, server)
}

// outerAddress returns an IPv4 address of this machine that is not on the
// loopback interface, or nil if there is none.
func outerAddress(t *testing.T) net.IP {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range all {
		if network, ok := addr.(*net.IPNet); ok && !network.IP.IsLoopback() && network.IP.To4() != nil {
			return network.IP
		}
	}
	t.Log("this machine has no address but those of the loopback interface")
	return nil
}

// A key of another type affects only its own trace, and does not keep the other
// traces from being written again.
func TestRefusedKeyAmongOthers(t *testing.T) {
	server := testenv.StartRedis(t)
	admin := bare(t, "redis://"+server.Addr())
	do(t, admin, "SET", "osprofiler_opt:B", "text")
	s := open(t, "redis://"+server.Addr()+"?osp_legacy=no")
	batch := []osprofiler.Notification{event("A", 1), event("B", 2), event("C", 3), event("B", 4)}
	err := store.Retry{Elapsed: 5 * time.Minute}.Write(t.Context(), s, batch)
	var partial *store.WriteError
	if !errors.As(err, &partial) || !slices.Equal(partial.Refused, []int{1, 3}) || !slices.Equal(partial.Missing, []int{1, 3}) || !strings.Contains(err.Error(), `the key "osprofiler_opt:B" should be a list`) {
		t.Errorf("the error is %+v", err)
	}
	for _, id := range []string{"A", "C"} {
		if got, _ := collect(t, s.Notifications(t.Context(), id)); len(got) != 1 {
			t.Errorf("of %s there are %v", id, got)
		}
	}
}

// The error for a client of a single node of a cluster says which option is
// missing.
func TestNodeOfAClusterAlone(t *testing.T) {
	addrs := startCluster(t)
	s := open(t, "redis://"+addrs[0])
	var batch []osprofiler.Notification
	for range 20 {
		batch = append(batch, event(osprofiler.NewID(), 1))
	}
	err := s.Write(t.Context(), batch)
	var partial *store.WriteError
	if !errors.As(err, &partial) || !partial.Transient || len(partial.Missing) == 20 || !strings.Contains(err.Error(), "osp_cluster=yes") {
		t.Errorf("the error is %+v", err)
	}
}

// A client that was passed to New belongs to the caller, who may close it.
func TestClosedClient(t *testing.T) {
	client := bare(t, testenv.RedisDB(t))
	s := oredis.New(client)
	client.Close()
	var partial *store.WriteError
	if err := s.Write(t.Context(), []osprofiler.Notification{event("A", 1)}); !errors.As(err, &partial) || partial.Transient || !errors.Is(err, goredis.ErrClosed) {
		t.Errorf("the error is %+v", err)
	}
}
