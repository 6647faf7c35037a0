package elasticsearch_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A read is complete even if the caller takes longer than the server keeps a point in
// time.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const setting = "search.keep_alive_interval=1s" // how often the server looks for old ones
	for name, start := range map[string]func(testing.TB, ...string) *testenv.Server{
		"elasticsearch7": testenv.StartElasticsearch7, "elasticsearch8": testenv.StartElasticsearch, "opensearch3": testenv.StartOpenSearch3,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := start(t, setting).Search()
			b := newBare(t, url)
			t.Run("point in time", func(t *testing.T) {
				t.Parallel()
				readSlowly(t, open(t, url+"?index_name=points&osp_refresh=true&es_scroll_time=1s&es_scroll_size=10"))
			})
			t.Run("scroll", func(t *testing.T) {
				t.Parallel()
				var scrolls atomic.Int64
				readSlowly(t, through(t, b, "scrolls", func(_, path, query, _ string) (int, string) {
					if strings.Contains(query, "scroll=") {
						scrolls.Add(1)
					}
					if strings.HasSuffix(path, "/_pit") || strings.HasSuffix(path, "/point_in_time") {
						return 403, forbidden
					}
					return 0, ""
				}, elasticsearch.WithScroll(10, "1s")))
				if scrolls.Load() < 2 {
					t.Errorf("%d scrolls were opened, want one more after the first was given up", scrolls.Load())
				}
			})
		})
	}
}

func readSlowly(t *testing.T, s *store.Store) {
	t.Helper()
	batch := trace(60)
	write(t, s, batch)
	count := 0
	for _, err := range s.Notifications(t.Context(), batch[0].BaseID) {
		if err != nil {
			t.Fatalf("after %d: %v", count, err)
		}
		if count++; count%20 == 5 {
			time.Sleep(4 * time.Second)
		}
	}
	if count != len(batch) {
		t.Errorf("%d notifications of %d", count, len(batch))
	}
}
