package elasticsearch_test

import (
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A caller may take longer for what it reads than the server keeps a point in time.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const setting = "search.keep_alive_interval=1s" // how often the server looks for old ones
	for name, start := range map[string]func(testing.TB, ...string) *testenv.Server{
		"elasticsearch7": testenv.StartElasticsearch7, "elasticsearch8": testenv.StartElasticsearch, "opensearch3": testenv.StartOpenSearch3,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, start(t, setting).Search()+"?index_name=slow&osp_refresh=true&es_scroll_time=1s&es_scroll_size=10")
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
		})
	}
}
