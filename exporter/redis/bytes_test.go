package redis_test

import (
	"context"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// largest records the largest answer to a pipeline, in bytes of values.
type largest struct{ bytes int }

func (*largest) DialHook(next goredis.DialHook) goredis.DialHook          { return next }
func (*largest) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (l *largest) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		err := next(ctx, cmds)
		bytes := 0
		for _, cmd := range cmds {
			switch c := cmd.(type) {
			case *goredis.StringCmd:
				bytes += len(c.Val())
			case *goredis.StringSliceCmd:
				for _, text := range c.Val() {
					bytes += len(text)
				}
			}
		}
		l.bytes = max(l.bytes, bytes)
		return err
	}
}

// No answer is much larger than 4 MiB, however large the entries are and
// however they are read.
func TestAnswersAreBoundedInBytes(t *testing.T) {
	const entrySize, entries, traces = 128 << 10, 150, 3
	url := testenv.RedisDB(t)
	writer, client, answers := open(t, url), bare(t, url), &largest{}
	for _, id := range []string{"a", "b", "c"} {
		for i := range entries {
			write(t, writer, sized(id, i, entrySize))
		}
	}
	for i := range 100 {
		n := sized("d", i, entrySize)
		if err := client.Set(t.Context(), "osprofiler:d_"+n.TraceID+"_t", n.JSON(), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	client.AddHook(answers)
	s := oredis.New(client)
	for name, read := range map[string]func() int{
		"a trace":         func() int { return len(first(collect(t, s.Notifications(t.Context(), "a")))) - entries },
		"a legacy trace":  func() int { return len(first(collect(t, s.Notifications(t.Context(), "d")))) - 100 },
		"all traces":      func() int { return len(first(collect(t, s.Traces(t.Context(), store.Query{})))) - traces - 1 },
		"the newest":      func() int { return len(first(collect(t, s.Traces(t.Context(), store.Query{Limit: 2})))) - 2 },
		"Python's traces": func() int { return len(first(collect(t, s.PythonAnswers().Traces(t.Context(), nil)))) - traces - 1 },
		"a feed":          func() int { return len(first(collect(t, feed(t, s, "").Poll(t.Context())))) - traces*entries - 100 },
	} {
		answers.bytes = 0
		if wrong := read(); wrong != 0 {
			t.Errorf("%s: %d too many", name, wrong)
		}
		if answers.bytes > 4<<20+2*entrySize || answers.bytes == 0 {
			t.Errorf("%s: an answer has %d bytes", name, answers.bytes)
		}
	}
}
