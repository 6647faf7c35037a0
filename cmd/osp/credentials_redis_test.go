package main

import (
	"net"
	"net/url"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// startRedis starts a server with a password, two users with few rights, and TLS on a
// second port. No client trusts the authority of its certificate.
func startRedis(t *testing.T) (server *testenv.Server, encrypted string) {
	t.Helper()
	encrypted = freeAddress(t)
	_, port, _ := net.SplitHostPort(encrypted)
	c := testenv.NewCertificates(t, "")
	server = testenv.StartRedis(t, "--appendonly", "yes", "--requirepass", secret("redis"), "--tls-port", port,
		"--tls-cert-file", c.Server, "--tls-key-file", c.Key, "--tls-auth-clients", "no")
	redisDo(t, server.Addr(), 0,
		[]any{"ACL", "SETUSER", "writer", "on", ">" + secret("writer"), "allkeys", "-@all", "+lpush", "+select"},
		[]any{"ACL", "SETUSER", "reader", "on", ">" + secret("reader"), "allkeys", "-@all", "+scan", "+llen", "+lrange", "+lindex", "+get", "+select"})
	return server, encrypted
}

func redisDo(t *testing.T, addr string, db int, commands ...[]any) {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: addr, Password: secret("redis"), DB: db})
	defer client.Close()
	for _, command := range commands {
		if err := client.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// freeAddress returns the host:port of a port on which no server listens, so that a server
// of the test can use it.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The databases of the server.
const (
	goodDB = "/0" // has only the good trace
	typeDB = "/1" // also has keys of another type with our names
	alsoDB = "/2" // also has keys and values of other programs with our names
	// typedTrace is the base id whose key has another type.
	typedTrace = "0d5b6c7d-8e9f-4a0b-9c1d-2e3f40516273"
)

// spoil fills the databases.
func spoil(t *testing.T, addr string) {
	t.Helper()
	for _, db := range []string{goodDB, typeDB, alsoDB} {
		fill(t, as("redis", "", secret("redis"), addr, db))
	}
	redisDo(t, addr, 1, []any{"SET", "osprofiler_opt:" + typedTrace, "x"}, []any{"RPUSH", "osprofiler:typed_x", "x"})
	redisDo(t, addr, 2, []any{"SET", "somebody's", "x"}, []any{"RPUSH", "osprofiler_opt:also", "no JSON", `{"base_id": "another"}`},
		[]any{"LPUSH", "osprofiler_opt:" + goodTrace, "no notification"}, []any{"SADD", "osprofiler", "x"})
}

// inRedis returns the troubles with a server and its databases. They are the same with and
// without sentinels. at returns the connection string for a user and a database.
func inRedis(at func(user, password, db string) string) []trouble {
	pw := secret("redis")
	return []trouble{
		{name: "wrong password", at: at("", secret("wrong"), goodDB), error: "refuses the user or the password of the connection string"},
		{name: "unknown user", at: at("nobody", secret("wrong"), goodDB), error: "refuses the user or the password of the connection string"},
		{name: "no right to read", at: at("writer", secret("writer"), goodDB), error: "does not give the user of the connection string the rights", writes: true},
		{name: "no right to write", at: at("reader", secret("reader"), goodDB), error: "does not give the user of the connection string the rights", reads: true},
		{name: "missing database", at: at("", pw, "/99999"), error: "has no database of the number"},
		{name: "another type of key under our name", at: at("", pw, typeDB), reads: true, damage: `skipped the key "osprofiler`, error: `"osprofiler_opt:` + typedTrace + `"`, writeTo: typedTrace},
		{name: "foreign keys among ours", at: at("", pw, alsoDB), reads: true, writes: true, damage: "skipped "},
		{name: "nothing", at: at("", pw, goodDB), reads: true, writes: true},
	}
}

func redisTroubles(t *testing.T) ([]trouble, victim) {
	server, encrypted := startRedis(t)
	spoil(t, server.Addr())
	pw := secret("redis")
	closed := testenv.ClosedPort(t)
	troubles := append(inRedis(func(user, password, db string) string { return as("redis", user, password, server.Addr(), db) }),
		trouble{name: "unknown host", at: as("redis", "", pw, "no-such-host.invalid", ""), error: "cannot connect to Redis at no-such-host.invalid:6379"},
		trouble{name: "refused port", at: as("redis", "", pw, closed, ""), error: "cannot connect to Redis at " + closed},
		trouble{name: "TLS where the server has none", at: as("rediss", "", pw, server.Addr(), "?socket_timeout=2"), error: "does not speak TLS", slow: true},
		trouble{name: "no TLS where the server has it", at: as("redis", "", pw, encrypted, "?socket_timeout=10"), error: "rediss://"},
		trouble{name: "unknown authority", at: as("rediss", "", pw, encrypted, ""), error: "ssl_ca_certs names the file with the authority to trust"},
		trouble{name: "no password", at: "redis://" + server.Addr(), error: "refuses the user or the password of the connection string"},
		trouble{name: "missing socket", at: as("redis+unix", "", pw, "", "/no/such.sock"), error: "cannot connect to Redis at /no/such.sock"},
		trouble{name: "cluster that is none", at: as("redis", "", pw, server.Addr(), "?osp_cluster=yes"), error: "the Redis cluster at " + server.Addr()},
	)
	return troubles, victim{server: server, at: func(_ *testing.T, addr string) string { return as("redis", "", pw, addr, "/3") }}
}

// startSentinels starts two sentinels of a master. The sentinels and the master have
// different passwords.
func startSentinels(t *testing.T, master string) (hosts string) {
	t.Helper()
	o := testenv.SentinelOf{Master: master, MasterPassword: secret("redis"), Password: secret("sentinel")}
	return testenv.StartSentinel(t, o).Addr() + "," + testenv.StartSentinel(t, o).Addr()
}

func sentinelTroubles(t *testing.T) ([]trouble, victim) {
	server, encrypted := startRedis(t)
	spoil(t, server.Addr())
	hosts := startSentinels(t, server.Addr())
	of := func(sentinels, password, more string) string {
		return as("redissentinel", "", secret("redis"), sentinels, "/0?sentinel_password="+url.QueryEscape(password)+more)
	}
	right := secret("sentinel")
	closed := testenv.ClosedPort(t)
	troubles := inRedis(func(user, password, db string) string {
		return as("redissentinel", user, password, hosts, db+"?sentinel_password="+url.QueryEscape(right))
	})
	troubles = append(troubles,
		trouble{name: "wrong password of the sentinels", at: of(hosts, secret("wrong"), ""), error: "sentinel_password"},
		trouble{name: "unknown host", at: of("no-such-host.invalid", right, ""), error: "no-such-host.invalid:26379"},
		trouble{name: "refused port", at: of(closed, right, ""), error: "no sentinel answers for the Redis master \"mymaster\" of the sentinels at " + closed},
		trouble{name: "no such master", at: of(hosts, right, "&sentinel=nobody"), error: `no sentinel knows the Redis master "nobody"`},
		trouble{name: "TLS where the server has none", at: of(hosts, right, "&osp_tls=yes&socket_timeout=2"), error: "it does not speak TLS", slow: true},
		trouble{name: "no TLS where the server has it", at: of(encrypted, right, "&socket_timeout=10"), error: "osp_tls=yes"},
		trouble{name: "unknown authority", at: of(encrypted, right, "&osp_tls=yes"), error: "ssl_ca_certs names the file with the authority to trust"},
		trouble{name: "first sentinel down", at: of(closed+","+strings.Split(hosts, ",")[1], right, ""), reads: true, writes: true},
	)
	return troubles, victim{server: server, error: `the Redis master "mymaster"`, at: func(t *testing.T, addr string) string {
		return of(startSentinels(t, addr), right, "&db=3")
	}}
}
