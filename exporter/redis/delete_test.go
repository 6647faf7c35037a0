package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// checkDelete deletes a trace that has a list, legacy keys and an error record,
// next to traces whose ids begin alike.
func checkDelete(t *testing.T, s *store.Store, client goredis.UniversalClient) {
	t.Helper()
	ctx := t.Context()
	for _, id := range []string{"abc", "abcd", "abc_d", "a*c"} {
		failed := event(id, 3)
		failed.Info = `{"etype": "E", "host": "h"}`
		write(t, s, event(id, 1), event(id, 2), failed)
		for i := range 2 {
			n := event(id, i)
			if err := client.Set(ctx, fmt.Sprintf("osprofiler:%s_%s_%s", id, n.TraceID, n.Timestamp), n.JSON(), 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if count, err := s.Delete(ctx, "abc"); count != 5 || err != nil {
		t.Errorf("%d were deleted, and %v", count, err)
	}
	if count, err := s.Delete(ctx, "abc"); count != 0 || !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%d were deleted again, and %v", count, err)
	}
	if err := only(s.Notifications(ctx, "abc")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("reading the trace: %v", err)
	}
	if exist := client.Exists(ctx, "osprofiler_error:abc").Val(); exist != 0 {
		t.Error("the record of the failure is left")
	}
	for _, id := range []string{"abcd", "abc_d", "a*c"} {
		if got, _ := collect(t, s.Notifications(ctx, id)); len(got) != 5 {
			t.Errorf("of %s there are %d", id, len(got))
		}
		if exist := client.Exists(ctx, "osprofiler_error:"+id).Val(); exist != 1 {
			t.Errorf("the record of the failure of %s is gone", id)
		}
	}
}

func TestDelete(t *testing.T) {
	url := testenv.RedisDB(t)
	checkDelete(t, open(t, url, oredis.WithFilterErrorTrace(true)), bare(t, url))
}

func TestDeleteInACluster(t *testing.T) {
	addrs := startCluster(t)
	client := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addrs})
	defer client.Close()
	checkDelete(t, open(t, "redis://"+strings.Join(addrs, ",")+"?osp_cluster=yes", oredis.WithFilterErrorTrace(true)), client)
	checkDeleteMany(t, open(t, "redis://"+strings.Join(addrs, ",")+"?osp_cluster=yes"), client)
}

// A string in place of a list is not deleted.
func TestDeleteOfAnotherType(t *testing.T) {
	url := testenv.RedisDB(t)
	client := bare(t, url)
	if err := client.Set(t.Context(), "osprofiler_opt:a", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if count, err := open(t, url).Delete(t.Context(), "a"); count != 0 || err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("%d were deleted, and %v", count, err)
	}
	if keys := client.Keys(t.Context(), "*").Val(); !slices.Equal(keys, []string{"osprofiler_opt:a"}) {
		t.Errorf("there are %v", keys)
	}
}

// checkDeleteMany deletes many traces. Traces with legacy keys lose these too,
// and a string in place of a list does not prevent the deletion of the other
// traces.
func checkDeleteMany(t *testing.T, s *store.Store, client goredis.UniversalClient) {
	t.Helper()
	ctx := t.Context()
	ids := []string{"m", "m_n", "none", "m_string", "only-legacy"}
	for _, id := range []string{"m", "m_n", "mm", "m_n_o"} {
		write(t, s, event(id, 1), event(id, 2))
	}
	for _, id := range []string{"m", "m_n", "m_n_o", "only-legacy"} {
		n := event(id, 3)
		if err := client.Set(ctx, fmt.Sprintf("osprofiler:%s_%s_%s", id, n.TraceID, n.Timestamp), n.JSON(), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Set(ctx, "osprofiler_opt:m_string", "text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	got, err := s.DeleteTraces(ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{3, 3, 0, 0, 1} {
		if got[i].Notifications != want || (got[i].Err != nil) != (ids[i] == "m_string") {
			t.Errorf("%s: %+v, want %d", ids[i], got[i], want)
		}
	}
	for id, want := range map[string]int{"mm": 2, "m_n_o": 3} {
		if left, _ := collect(t, s.Notifications(ctx, id)); len(left) != want {
			t.Errorf("of %s there are %d, want %d", id, len(left), want)
		}
	}
}

func TestDeleteMany(t *testing.T) {
	url := testenv.RedisDB(t)
	checkDeleteMany(t, open(t, url), bare(t, url))
}
