package redis_test

import (
	"context"
	"errors"
	"flag"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if _, err := redisServer().Find(); err != nil && !testenv.Required() {
		_ = flag.Set("test.run", "^Test") // examples cannot be skipped
	}
	goleak.VerifyTestMain(m)
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{Place: testenv.RedisDB, Order: slices.Reverse[[]osprofiler.Notification], Unreachable: unreachable})
}

func TestStoreOfSentinels(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place: testenv.Sentinel, Order: slices.Reverse[[]osprofiler.Notification],
		Unreachable: func(t testing.TB) string { return "redissentinel://" + testenv.ClosedPort(t) + "/0" },
	})
}

// unreachable returns the connection string of a server that does not exist.
func unreachable(t testing.TB) string { return "redis://" + testenv.ClosedPort(t) + "/0" }

// open opens a store that is closed when the test ends.
func open(t testing.TB, connectionString string, opts ...oredis.Option) *store.Store {
	t.Helper()
	s, err := oredis.Open(connectionString, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// bare returns a client of the client library alone.
func bare(t testing.TB, url string) *goredis.Client {
	t.Helper()
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// feed opens a feed of a store.
func feed(t testing.TB, s *store.Store, from store.Cursor) *store.Feed {
	t.Helper()
	f, err := s.Feed(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func write(t testing.TB, s *store.Store, batch ...osprofiler.Notification) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Write(ctx, batch); err != nil {
		t.Fatal(err)
	}
}

// collect reads a sequence. Damage is returned separately. Any other error
// fails the test.
func collect[T any](t testing.TB, sequence func(yield func(T, error) bool)) (all []T, damage []error) {
	t.Helper()
	for v, err := range sequence {
		switch {
		case err == nil:
			all = append(all, v)
		case isDamage(err):
			damage = append(damage, err)
		default:
			t.Fatal(err)
		}
	}
	return all, damage
}

func isDamage(err error) bool {
	var damage *store.DamageError
	return errors.As(err, &damage)
}

// commandCalls returns how often a server carried out a command.
func commandCalls(t testing.TB, client *goredis.Client, command string) int64 {
	t.Helper()
	stats, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(stats, "cmdstat_"+command+":calls=")
	text, _, _ := strings.Cut(rest, ",")
	count, _ := strconv.ParseInt(text, 10, 64)
	return count
}
