package redis_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A trace of which nothing can be read is not reported as a trace that does not
// exist.
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

// vanishing deletes lists as soon as a client has asked for their length.
type vanishing struct{ client *goredis.Client }

func (vanishing) DialHook(next goredis.DialHook) goredis.DialHook          { return next }
func (vanishing) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (v vanishing) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			if cmd.Name() == "llen" {
				err = errors.Join(err, v.client.Del(ctx, cmd.Args()[1].(string)).Err())
			}
		}
		return err
	}
}

// If a trace expires while it is read, the reader reports that.
func TestListThatVanishes(t *testing.T) {
	url := testenv.RedisDB(t)
	client := bare(t, url)
	client.AddHook(vanishing{bare(t, url)})
	s := oredis.New(client)
	write(t, s, sample("a", 100)...)
	got, damage := collect(t, s.Notifications(t.Context(), "a"))
	if len(got) == 100 || len(damage) != 1 || !strings.Contains(damage[0].Error(), `the key "osprofiler_opt:a": it was deleted or became shorter`) {
		t.Errorf("there are %d notifications, and %v", len(got), damage)
	}
	if err := only(s.Notifications(t.Context(), "a")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it ends with %v", err)
	}
}
