package redis_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A trace of which nothing can be read is no trace that does not exist.
func TestNothingReadable(t *testing.T) {
	url := testenv.RedisDB(t)
	client, s := bare(t, url), open(t, url)
	if err := errors.Join(client.LPush(t.Context(), "osprofiler_opt:a", "bad").Err(), client.Set(t.Context(), "osprofiler_opt:b", "bad", 0).Err()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if got, damage := collect(t, s.Notifications(t.Context(), id)); len(got) != 0 || len(damage) != 1 {
			t.Errorf("%s: got %v and %v", id, got, damage)
		}
		_, err := reader.New(s).Report(t.Context(), id)
		if err == nil || errors.Is(err, store.ErrNotFound) || !strings.HasPrefix(err.Error(), `nothing of the trace "`+id+`" can be read: skipped `) {
			t.Errorf("%s: the report says %v", id, err)
		}
	}
}
