package redis_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A capturedKey is a key that Python's driver was observed to write.
type capturedKey struct {
	Key, Type, Value string
	TTL              int64
	List             []string `json:"lrange_0_-1"`
}

// captured reads the keys that were captured from Python's driver. They belong
// to two traces: a was written with filter_error_trace, b without.
func captured(t testing.TB) map[string]capturedKey {
	t.Helper()
	var capture struct{ Keys []capturedKey }
	readJSON(t, "testdata/keys.json", &capture)
	return byKey(capture.Keys)
}

func byKey(keys []capturedKey) map[string]capturedKey {
	m := map[string]capturedKey{}
	for _, k := range keys {
		m[k.Key] = k
	}
	return m
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// dump reads the contents of a database.
func dump(t testing.TB, url string) map[string]capturedKey {
	t.Helper()
	client, ctx := bare(t, url), t.Context()
	var keys []capturedKey
	for _, key := range client.Keys(ctx, "*").Val() {
		k := capturedKey{Key: key, Type: client.Type(ctx, key).Val(), TTL: int64(client.TTL(ctx, key).Val())}
		if k.Type == "list" {
			k.List = client.LRange(ctx, key, 0, -1).Val()
		} else {
			k.Value = client.Get(ctx, key).Val()
		}
		keys = append(keys, k)
	}
	return byKey(keys)
}

const (
	idA = "a0000000-0000-4000-8000-000000000001"
	idB = "b0000000-0000-4000-8000-000000000001"
)

// handed returns the captured notifications of a trace, in the order of
// writing, as values that were not parsed from JSON.
func handed(t testing.TB, id string) (batch []osprofiler.Notification) {
	t.Helper()
	list := captured(t)["osprofiler_opt:"+id].List
	for _, text := range slices.Backward(list) {
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, osprofiler.Notification{Name: n.Name, BaseID: n.BaseID, TraceID: n.TraceID, ParentID: n.ParentID,
			Timestamp: n.Timestamp, Info: n.Info, Project: n.Project, Service: n.Service})
	}
	if len(batch) != 8 {
		t.Fatalf("the capture has %d notifications of %s", len(batch), id)
	}
	return batch
}

// Write writes the same keys as Python's driver, byte for byte, however the
// notifications are divided into batches.
func TestWritesWhatPythonWrites(t *testing.T) {
	for _, size := range []int{1, 3, 8} {
		url := testenv.RedisDB(t)
		for id, filter := range map[string]bool{idA: true, idB: false} {
			s := open(t, url, oredis.WithFilterErrorTrace(filter))
			for part := range slices.Chunk(handed(t, id), size) {
				write(t, s, part...)
			}
		}
		want := captured(t)
		for key, k := range want {
			k.TTL = int64(-1)
			want[key] = k
		}
		if diff := cmp.Diff(want, dump(t, url)); diff != "" {
			t.Errorf("batches of %d: upstream's keys (-) and ours (+):\n%s", size, diff)
		}
	}
}

func TestPythonsListing(t *testing.T) {
	url := testenv.RedisDB(t)
	s := open(t, url, oredis.WithFilterErrorTrace(true))
	write(t, s, handed(t, idA)...)
	write(t, s, handed(t, idB)...)
	write(t, s, event("one", 1)) // release 4.4 leaves it out
	answers := s.PythonAnswers()
	for file, fields := range map[string][]string{"list_traces": nil, "list_traces_fields": {"name", "info", "project"}} {
		var want []any
		readJSON(t, "testdata/"+file+".json", &want)
		got, _ := collect(t, answers.Traces(t.Context(), fields))
		if diff := cmp.Diff(sorted(t, want), rows(t, got)); diff != "" {
			t.Errorf("%s: Python lists (-), and we (+):\n%s", file, diff)
		}
	}
	got, _ := collect(t, answers.Traces(t.Context(), []string{"timestamp", "nowhere"}))
	if at := `{"timestamp": "2024-05-06T07:08:09.007414"}`; !slices.Equal(got, []string{at, at}) {
		t.Errorf("one field: %v", got)
	}
	failed, _ := collect(t, answers.FailedTraces(t.Context()))
	slices.Sort(failed)
	at := `", "timestamp": "2024-05-06T07:08:09.007414"}`
	if !slices.Equal(failed, []string{`{"base_id": "` + idA + at, `{"base_id": "` + idB + at}) {
		t.Errorf("failed traces by Python's rule: %v", failed)
	}
	if err := bare(t, url).Set(t.Context(), "osprofiler_opt:x", "no list", 0).Err(); err != nil {
		t.Fatal(err)
	}
	failing := false
	for _, err := range answers.Traces(t.Context(), nil) {
		failing = failing || err != nil && strings.Contains(err.Error(), "WRONGTYPE")
	}
	if !failing {
		t.Error("a key of another type should fail the listing, as Python's fails")
	}
}

// rows parses JSON values and sorts them by their text.
func rows(t testing.TB, texts []string) (values []any) {
	t.Helper()
	for _, text := range texts {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		values = append(values, v)
	}
	return sorted(t, values)
}

// sorted sorts JSON values by their text.
func sorted(t testing.TB, values []any) []any {
	t.Helper()
	text := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	slices.SortFunc(values, func(a, b any) int { return strings.Compare(text(a), text(b)) })
	return values
}

// event returns a notification of a trace, i milliseconds after the full hour.
func event(id string, i int) osprofiler.Notification {
	return osprofiler.Notification{Name: "x-start", BaseID: id, TraceID: osprofiler.NewID(), ParentID: id,
		Timestamp: osprofiler.FormatTime(time.Date(2024, 5, 6, 7, 0, 0, i*1e6, time.UTC)), Info: `{"host": "h"}`, Project: "p", Service: "s"}
}

func putLegacy(t testing.TB, url string) {
	t.Helper()
	var keys []capturedKey
	readJSON(t, "testdata/legacy_keys.json", &keys)
	for _, k := range keys {
		if err := bare(t, url).Set(t.Context(), k.Key, k.Value, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// A trace in the legacy layout reads as the same trace in lists, and is merged with
// it.
func TestLegacyLayout(t *testing.T) {
	url := testenv.RedisDB(t)
	putLegacy(t, url)
	s := open(t, url)
	want := handed(t, idA)
	first, _ := want[0].Time()
	check := func(count int) {
		t.Helper()
		got, damage := collect(t, s.Notifications(t.Context(), idA))
		for _, n := range want {
			if !slices.ContainsFunc(got, n.Equal) {
				t.Errorf("missing: %s", n.JSON())
			}
		}
		if len(got) != count || damage != nil {
			t.Errorf("got %d notifications, want %d; %v", len(got), count, damage)
		}
		for _, q := range []store.Query{{}, {Limit: 5}, {Limit: math.MaxInt}, {Since: first}, {Until: first.Add(1), Limit: 1}, {Service: want[0].Service, Limit: 1, First: true}} {
			traces, _ := collect(t, s.Traces(t.Context(), q))
			if len(traces) != 1 || traces[0].BaseID != idA || traces[0].Timestamp != want[0].Timestamp || traces[0].Name != want[0].Name {
				t.Errorf("%+v lists %v, want the trace that begins with %s", q, traces, want[0].JSON())
			} else if q.First && !traces[0].First.Equal(want[0]) {
				t.Errorf("the first notification is %s, want %s", traces[0].First.JSON(), want[0].JSON())
			}
		}
		if traces, _ := collect(t, s.Traces(t.Context(), store.Query{Since: first.Add(1)})); traces != nil {
			t.Errorf("listed with its second event: %v", traces)
		}
		if failed, _ := collect(t, s.Traces(t.Context(), store.Query{Failed: true})); len(failed) != 1 || failed[0].FirstFailure != "2024-05-06T07:08:09.007414" {
			t.Errorf("failed traces: %v", failed)
		}
		if changes, _ := collect(t, feed(t, s, "").Poll(t.Context())); len(changes) < count {
			t.Errorf("the feed yields %d, want %d", len(changes), count)
		}
	}
	check(8)
	later := event(idA, 0)
	later.Timestamp = "2024-05-06T08:00:00.000000"
	write(t, s, want[5:]...) // these notifications are in both layouts, and are read once
	write(t, s, later)
	check(9)
	if without, _ := collect(t, open(t, url, oredis.WithLegacy(false)).Notifications(t.Context(), idA)); len(without) != 4 {
		t.Errorf("without the legacy layout there are %d", len(without))
	}
}

// The legacy prefix is matched exactly: neither a longer id nor a pattern finds
// another trace.
func TestLegacyIDsAreExact(t *testing.T) {
	url := testenv.RedisDB(t)
	for _, id := range []string{"abc", "abcd", "abc_d", "a*c", "a?c", "[ab]bc", `a\*`} {
		n := event(id, 1)
		if err := bare(t, url).Set(t.Context(), "osprofiler:"+id+"_T_"+n.Timestamp, n.JSON(), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, url)
	for _, id := range []string{"abc", "abcd", "abc_d", "a*c", "a?c", "[ab]bc", `a\*`} {
		got, damage := collect(t, s.Notifications(t.Context(), id))
		if len(got) != 1 || got[0].BaseID != id || damage != nil {
			t.Errorf("%q: %v %v", id, got, damage)
		}
	}
	for _, id := range []string{"ab", "a", "*", "", "abc_", "[a]bc"} {
		for n, err := range s.Notifications(t.Context(), id) {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q: %v %v", id, n, err)
			}
		}
	}
}

// Other keys and values under the prefixes of this package are reported, and
// the rest is read.
func TestForeignKeysAndValues(t *testing.T) {
	url := testenv.RedisDB(t)
	s, client, ctx := open(t, url), bare(t, url), t.Context()
	good := event("good", 1)
	write(t, s, good)
	for _, err := range []error{
		client.Set(ctx, "osprofiler_opt:string", "x", 0).Err(),
		client.HSet(ctx, "osprofiler_opt:hash", "a", "b").Err(),
		client.SAdd(ctx, "osprofiler:set_T_1", "b").Err(),
		client.Set(ctx, "osprofiler:text_T_1", "no JSON", 0).Err(),
		client.Set(ctx, "osprofiler:other_T_1", good.JSON(), 0).Err(),
		client.LPush(ctx, "osprofiler_opt:mixed", "{", event("mixed", 5).JSON(), `[1]`, good.JSON(), "\x00\xff").Err(),
		client.LPush(ctx, "osprofiler_option", "not ours").Err(),
		client.Set(ctx, "osprofile", "not ours", 0).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	traces, damage := collect(t, s.Traces(ctx, store.Query{Limit: 10}))
	if len(traces) != 2 || traces[0].BaseID != "mixed" || traces[1].BaseID != "good" || len(damage) != 9 {
		t.Errorf("listed %v, and %d: %v", traces, len(damage), damage)
	}
	following := feed(t, s, "")
	if changes, damage := collect(t, following.Poll(ctx)); len(changes) != 2 || len(damage) != 9 {
		t.Errorf("the feed yields %d, and %v", len(changes), damage)
	}
	if changes, damage := collect(t, following.Poll(ctx)); len(changes) != 0 || len(damage) != 0 {
		t.Errorf("the feed yields again %v and %v", changes, damage)
	}
	if got, damage := collect(t, s.Notifications(ctx, "mixed")); len(got) != 1 || len(damage) != 4 {
		t.Errorf("the mixed trace: %v, %v", got, damage)
	}
	for id, want := range map[string]string{"string": `skipped the key "osprofiler_opt:string": it should be a list`,
		"text": `skipped the key "osprofiler:text_T_1": a notification should be a JSON object`} {
		said := ""
		for _, err := range s.Notifications(ctx, id) {
			said += err.Error()
		}
		if !strings.Contains(said, want) {
			t.Errorf("%s: %s", id, said)
		}
	}
	err := s.Write(ctx, []osprofiler.Notification{event("fine", 1), event("hash", 2), event("fine", 3)})
	var writeError *store.WriteError
	if !errors.As(err, &writeError) || !slices.Equal(writeError.Missing, []int{1}) || writeError.Transient || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("writing under a key of another type: %#v", err)
	}
	if got, _ := collect(t, s.Notifications(ctx, "fine")); len(got) != 2 {
		t.Errorf("of the other trace there are %d", len(got))
	}
}

func TestTTL(t *testing.T) {
	url := testenv.RedisDB(t)
	s := open(t, url+"?osp_ttl=1h", oredis.WithFilterErrorTrace(true))
	failed := event("ttl", 1)
	failed.Info = `{"etype": "E", "host": "h"}`
	write(t, s, failed)
	for _, key := range []string{"osprofiler_opt:ttl", "osprofiler_error:ttl"} {
		if left := bare(t, url).TTL(t.Context(), key).Val(); left < 59*time.Minute || left > time.Hour {
			t.Errorf("%s expires in %v", key, left)
		}
	}
}

// From a cursor, a trace that did not change is not read again, and a trace that
// grew is.
func TestCursorIsFollowed(t *testing.T) {
	s := open(t, testenv.RedisDB(t))
	var all []osprofiler.Notification
	for range 300 {
		id := osprofiler.NewID()
		all = append(all, event(id, 1), event(id, 2))
	}
	write(t, s, all...)
	cursor := store.Cursor("")
	follow := func() (names []string) {
		t.Helper()
		f := feed(t, s, cursor)
		changes, _ := collect(t, f.Poll(t.Context()))
		for _, c := range changes {
			names = append(names, c.BaseID)
		}
		cursor = f.Cursor()
		return names
	}
	if got := follow(); len(got) != 600 {
		t.Fatalf("%d changes", len(got))
	}
	if got := follow(); got != nil {
		t.Fatalf("nothing was written, and %v came", got)
	}
	grown := event(all[0].BaseID, 3)
	write(t, s, grown, event("new", 1))
	got := follow()
	if !slices.Contains(got, grown.BaseID) || !slices.Contains(got, "new") || len(got) > 40 {
		t.Errorf("%d came: %v", len(got), got)
	}
	if got := follow(); got != nil {
		t.Errorf("nothing was written, and %v came", got)
	}
}

// A list that is longer than a page is read completely and in order.
func TestLongTrace(t *testing.T) {
	s := open(t, testenv.RedisDB(t))
	var all []osprofiler.Notification
	for i := range 20_000 {
		all = append(all, event("long", i))
	}
	slices.Reverse(all[:10_000]) // so that the first event is in the middle
	for part := range slices.Chunk(all, 3000) {
		write(t, s, part...)
	}
	got, _ := collect(t, s.Notifications(t.Context(), "long"))
	slices.Reverse(got)
	if !slices.EqualFunc(got, all, func(a, b osprofiler.Notification) bool { return a.TraceID == b.TraceID }) {
		t.Errorf("%d came, in another order", len(got))
	}
	if traces, _ := collect(t, s.Traces(t.Context(), store.Query{})); len(traces) != 1 || traces[0].Timestamp != all[9999].Timestamp {
		t.Errorf("listed %v", traces)
	}
}
