package interop

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// A liveTrace is a trace, and the spans that the reader makes of it.
type liveTrace struct {
	trace
	spans []sdktrace.ReadOnlySpan
}

// freshTraces returns real traces with base ids of their own.
func freshTraces(t *testing.T) (all []liveTrace) {
	t.Helper()
	recorded := busTraces(t, 3)
	for i := range liveTraces {
		all = append(all, freshTrace(t, strconv.Itoa(i), &recorded[i%len(recorded)]))
	}
	return all
}

func freshTrace(t *testing.T, number string, of *trace) liveTrace {
	t.Helper()
	fresh := liveTrace{trace: trace{name: number + " " + of.name, baseID: freshBaseID(t)}}
	var content strings.Builder
	inTime := slices.Clone(of.notifications) // as the services send them
	slices.SortStableFunc(inTime, func(a, b osprofiler.Notification) int { return strings.Compare(a.Timestamp, b.Timestamp) })
	for _, n := range inTime {
		line := strings.ReplaceAll(n.JSON(), of.baseID, fresh.baseID)
		content.WriteString(line + "\n")
		parsed, err := osprofiler.ParseNotification(line)
		if err != nil {
			t.Fatal(err)
		}
		fresh.notifications = append(fresh.notifications, parsed)
	}
	path := filepath.Join(t.TempDir(), "trace.jsonl")
	if err := os.WriteFile(path, []byte(content.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := reader.Open(t.Context(), "file://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for s, err := range r.Spans(t.Context(), fresh.baseID) {
		if err != nil {
			t.Fatal(err)
		}
		fresh.spans = append(fresh.spans, s)
	}
	return fresh
}

// awaitInJaeger waits until Jaeger has all spans of a trace, by their ids.
func (c *liveCloud) awaitInJaeger(tr *liveTrace) {
	c.t.Helper()
	id := tr.spans[0].SpanContext().TraceID().String()
	c.until(strconv.Itoa(len(tr.spans))+" spans of "+id+" in Jaeger", func() bool {
		stored, _ := c.jaeger.Trace(id)
		found := map[string]bool{}
		for i := range stored.Spans {
			found[stored.Spans[i].SpanID] = true
		}
		return len(found) >= len(tr.spans)
	})
}

// sameInJaeger compares a trace of Jaeger span by span. If once is false, Jaeger may have a
// span twice, and both copies must be equal.
func (c *liveCloud) sameInJaeger(tr *liveTrace, once bool) {
	c.t.Helper()
	want := map[string]sdktrace.ReadOnlySpan{}
	for _, s := range tr.spans {
		want[s.SpanContext().SpanID().String()] = s
	}
	id := tr.spans[0].SpanContext().TraceID().String()
	stored, _ := c.jaeger.Trace(id)
	if once && len(stored.Spans) != len(tr.spans) {
		c.t.Errorf("Jaeger has %d spans of %s, want %d", len(stored.Spans), id, len(tr.spans))
	}
	for i := range stored.Spans {
		got := &stored.Spans[i]
		s := want[got.SpanID]
		if s == nil {
			c.t.Errorf("Jaeger has the unknown span %s %q", got.SpanID, got.Operation)
			continue
		}
		problems, process := &differences{route: jaegerRoutes[0]}, stored.Processes[got.ProcessID]
		problems.span(got, s)
		problems.process(&process, s)
		if len(problems.all) > 0 {
			c.t.Errorf("span %s %q: %.1000s", got.SpanID, s.Name(), strings.Join(problems.all, "; "))
		}
	}
}

// asPythonStores checks that Redis has the same content as if the services had used
// Python's Redis driver: the same keys, the same notifications of each trace, and the same
// report of the Python library. If once is false, Redis may have a notification twice.
func (c *liveCloud) asPythonStores(once bool) {
	c.t.Helper()
	var all []trace
	for i := range c.all {
		all = append(all, c.all[i].trace)
	}
	r := &row{interpreter: c.python}
	theirs := testenv.RedisDB(c.t)
	want := r.run(c.t, theirs, all, all, nil)
	got := r.run(c.t, c.redisURL(), nil, all, nil)
	sameKeys(c.t, c.redisURL(), theirs, once)
	for i := range all {
		a, b := string(got.Reports[i].Value), string(want.Reports[i].Value)
		if got.Reports[i].Error != "" || len(a) < 10 || !pyjson.Equal(siblingsSorted(a), siblingsSorted(b)) {
			c.t.Errorf("%s: Python reports differ:\n%.500s\n%.500s\n%s", all[i].name, a, b, got.Reports[i].Error)
		}
	}
}

// sameKeys compares all keys of two Redis databases and their values. The order of a list
// may differ, because it is the order of arrival.
func sameKeys(t *testing.T, got, want string, once bool) {
	t.Helper()
	ours, theirs := redisContent(t, got), redisContent(t, want)
	for key, values := range theirs {
		found := slices.Clone(ours[key])
		if !once {
			found = slices.Compact(found)
		}
		if !slices.Equal(found, values) {
			t.Errorf("%s has %d values, Python's driver stores %d, and they differ", key, len(found), len(values))
		}
		delete(ours, key)
	}
	for key := range ours {
		t.Errorf("Python's driver has no key %s", key)
	}
}

// redisContent returns the values of all keys as JSON, sorted.
func redisContent(t *testing.T, at string) map[string][]string {
	t.Helper()
	options, err := redis.ParseURL(at)
	if err != nil {
		t.Fatal(err)
	}
	db := redis.NewClient(options)
	defer db.Close()
	keys, err := db.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	content := map[string][]string{}
	for _, key := range keys {
		values, err := redisValues(t.Context(), db, key)
		if err != nil {
			t.Fatal(err)
		}
		for i := range values {
			values[i] = pyjson.Normal(values[i])
		}
		slices.Sort(values)
		content[key] = values
	}
	return content
}

func redisValues(ctx context.Context, db *redis.Client, key string) ([]string, error) {
	values, err := db.LRange(ctx, key, 0, -1).Result()
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		var value string
		value, err = db.Get(ctx, key).Result()
		values = []string{value}
	}
	return values, err
}
