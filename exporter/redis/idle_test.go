package redis_test

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A server may close idle connections. Nothing is lost then, and closing the
// store is not an error.
func TestIdleConnectionsAreEnded(t *testing.T) {
	at := "redis://" + testenv.StartRedis(t).Addr() // a server of its own, because all clients are killed
	options, err := goredis.ParseURL(at)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer client.Close()
	for _, again := range []bool{false, true} {
		s, err := store.Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			n := osprofiler.Notification{BaseID: "b", TraceID: "t", ParentID: "b", Name: "op-start", Timestamp: "2026-01-02T03:04:05.000000"}
			if err := (store.Retry{}).Write(t.Context(), s, []osprofiler.Notification{n}); err != nil {
				t.Fatal(err)
			}
			if killed, err := client.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Result(); err != nil || killed == 0 {
				t.Fatal(killed, err)
			}
			time.Sleep(20 * time.Millisecond)
			if !again {
				break
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("written again: %v: %v", again, err)
		}
	}
}
