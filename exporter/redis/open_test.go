package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A store opens while its server is down. Ping says in one sentence what is
// wrong, and the error of a write is transient.
func TestOpenWhileTheServerIsDown(t *testing.T) {
	addr := testenv.ClosedPort(t)
	for at, says := range map[string]string{
		"redis://" + addr + "/0":                 "cannot connect to Redis at " + addr + ": connection refused",
		"rediss://" + addr + "/0":                "cannot connect to Redis at " + addr + ": connection refused",
		"redis://" + addr + "?osp_cluster=yes":   "cannot connect to the Redis cluster at " + addr + ": connection refused",
		"redissentinel://" + addr + "/0":         `no sentinel answers for the Redis master "mymaster" of the sentinels at ` + addr,
		"redis+unix:///no/such.sock":             "cannot connect to Redis at /no/such.sock: no such file or directory",
		"redis://" + addr + "?osp_read_only=yes": "cannot connect to Redis at " + addr + ": connection refused",
	} {
		s, err := store.Open(t.Context(), at)
		if err != nil {
			t.Errorf("%s: opening: %v", at, err)
			continue
		}
		if err := s.Ping(t.Context()); err == nil || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: Ping says %v, want %s", at, err, says)
		}
		if !s.IsReadOnly() {
			var partial *store.WriteError
			if err := s.Write(t.Context(), []osprofiler.Notification{event("a", 1)}); !errors.As(err, &partial) || !partial.Transient {
				t.Errorf("%s: writing: %v", at, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: closing: %v", at, err)
		}
	}
}

func TestPing(t *testing.T) {
	server := testenv.StartRedis(t, "--requirepass", "geheim0")
	if err := open(t, "redis://:geheim0@"+server.Addr()).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	err := open(t, "redis://:wrong@"+server.Addr()).Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "refuses the user or the password") || strings.Contains(err.Error(), "wrong@") {
		t.Errorf("with another password: %v", err)
	}
	if keys := bare(t, "redis://:geheim0@"+server.Addr()).Keys(t.Context(), "*").Val(); len(keys) > 0 {
		t.Errorf("Ping created %v", keys)
	}
}

// A listing and a feed need three connections at most.
func TestFewConnections(t *testing.T) {
	url := testenv.RedisDB(t)
	write(t, open(t, url), sample("a", 100)...)
	s := open(t, url+"?max_connections=3")
	for range 3 {
		if got, _ := collect(t, s.Traces(t.Context(), store.Query{Limit: 1})); len(got) != 1 {
			t.Errorf("listed %v", got)
		}
		if got, _ := collect(t, s.Traces(t.Context(), store.Query{})); len(got) != 1 {
			t.Errorf("listed %v", got)
		}
		if got, _ := collect(t, feed(t, s, "").Poll(t.Context())); len(got) != 100 {
			t.Errorf("the feed yields %d", len(got))
		}
	}
}

// An option of the connection string takes precedence over the same option of
// the program.
func TestOptionsOfTheConnectionStringWin(t *testing.T) {
	url := testenv.RedisDB(t)
	s := open(t, url+"?osp_ttl=100", oredis.WithTTL(time.Hour))
	if err := s.Write(t.Context(), []osprofiler.Notification{{Name: "n", BaseID: "id", Info: "{}"}}); err != nil {
		t.Fatal(err)
	}
	if left := bare(t, url).TTL(t.Context(), "osprofiler_opt:id").Val(); left > 100*time.Second || left <= 0 {
		t.Errorf("the trace expires in %v, want 100 s", left)
	}
}
