package redis_test

import (
	"testing"
	"time"

	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A store scans for legacy keys once, not once per trace.
func TestLegacyKeysAreRemembered(t *testing.T) {
	server := testenv.StartRedis(t)
	url := "redis://" + server.Addr()
	s, client := open(t, url), bare(t, url)
	ids := fill(t, s, 10_000)
	read := func(s *store.Store, id string) int {
		t.Helper()
		got, _ := collect(t, s.Notifications(t.Context(), id))
		return len(got)
	}
	read(s, ids[0])
	before := commandCalls(t, client, "scan")
	began := time.Now()
	for _, id := range ids[:100] {
		if read(s, id) != 1 {
			t.Errorf("%s cannot be read", id)
		}
	}
	t.Logf("reading one of %d traces: %v", len(ids), time.Since(began)/100)
	if after := commandCalls(t, client, "scan"); before == 0 || after != before {
		t.Errorf("%d steps of scans before, and %d after", before, after)
	}
	putLegacy(t, url)
	if got := read(open(t, url), idA); got != 8 {
		t.Errorf("a new store reads %d notifications of the legacy trace", got)
	}
	if got := read(open(t, url, oredis.WithLegacy(false)), ids[0]); got != 1 {
		t.Errorf("without the legacy keys there are %d", got)
	}
}
