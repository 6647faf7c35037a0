package redis_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// fill writes traces of one notification each, and returns their base ids.
func fill(t testing.TB, s *store.Store, count int) (ids []string) {
	t.Helper()
	var batch []osprofiler.Notification
	for range count {
		n := event(osprofiler.NewID(), len(batch))
		batch, ids = append(batch, n), append(ids, n.BaseID)
	}
	for part := range slices.Chunk(batch, 10_000) {
		write(t, s, part...)
	}
	return ids
}

// polled polls a feed and returns the base ids of the notifications that it
// yields, sorted.
func polled(t testing.TB, f *store.Feed) (ids []string) {
	t.Helper()
	for n, err := range f.Poll(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, n.BaseID)
	}
	slices.Sort(ids)
	return ids
}

// Among 40,000 traces a poll yields exactly the new notifications, and the cursor
// stays small.
func TestFeedOfManyTraces(t *testing.T) {
	s := open(t, testenv.RedisDB(t))
	all := fill(t, s, 40_000)
	f := feed(t, s, "")
	if got := polled(t, f); len(got) != len(all) {
		t.Fatalf("the first poll yields %d of %d", len(got), len(all))
	}
	for _, count := range []int{100, 1000, 4000, 0} {
		ids := fill(t, s, count)
		slices.Sort(ids)
		began := time.Now()
		if got := polled(t, f); !slices.Equal(got, ids) {
			t.Errorf("after %d new traces a poll yields %d notifications", count, len(got))
		}
		t.Logf("%d new traces: %v", count, time.Since(began))
		if size := len(f.Cursor()); size > 9<<10 {
			t.Errorf("the cursor has %d bytes", size)
		}
	}
	resumed := feed(t, s, f.Cursor())
	if got := polled(t, resumed); len(got) > 0 {
		t.Errorf("from the cursor %d came again", len(got))
	}
	write(t, s, event(all[0], 1))
	if got := polled(t, resumed); !slices.Equal(got, all[:1]) {
		t.Errorf("a notification of one trace was new, and there came %d", len(got))
	}
	write(t, s, event(all[1], 1))
	if got := polled(t, feed(t, s, resumed.Cursor())); !slices.Contains(got, all[1]) || len(got) > 150 {
		t.Errorf("one trace changed before the feed began again, and %d came", len(got))
	}
}

// A list that was deleted, became shorter, or was deleted and rewritten is
// yielded again in its present state. Nothing is missed.
func TestFeedOfListsThatChange(t *testing.T) {
	url := testenv.RedisDB(t)
	s, client, ctx := open(t, url), bare(t, url), t.Context()
	const key = "osprofiler_opt:a"
	put := func(values ...int) {
		for _, i := range values {
			write(t, s, event("a", i))
		}
	}
	f := feed(t, s, "")
	put(1, 2, 3)
	write(t, s, event("other", 9))
	for _, step := range []struct {
		name   string
		change func() error
		want   []int
	}{
		{"the beginning", func() error { return nil }, []int{1, 2, 3, 9}},
		{"nothing", func() error { return nil }, nil},
		{"a push", func() error { put(4); return nil }, []int{4}},
		{"a trim of the oldest", func() error { return client.LTrim(ctx, key, 0, 1).Err() }, []int{3, 4}},
		{"a trim, and pushes beyond the old length", func() error { put(5, 6); err := client.LTrim(ctx, key, 0, 2).Err(); put(7, 8); return err }, []int{4, 5, 6, 7, 8}},
		{"a deletion", func() error { return client.Del(ctx, key).Err() }, nil},
		{"a list anew", func() error { put(8, 7); return nil }, []int{8, 7}},
		{"a longer list in its place", func() error { err := client.Del(ctx, key).Err(); put(1, 2, 3); return err }, []int{1, 2, 3}},
		{"a string in its place", func() error { return client.Set(ctx, key, "x", 0).Err() }, nil},
		{"a list again", func() error { err := client.Del(ctx, key).Err(); put(5); return err }, []int{5}},
		{"a TTL that is over", func() error {
			err := client.PExpire(ctx, key, time.Millisecond).Err()
			for client.Exists(ctx, key).Val() > 0 {
				time.Sleep(time.Millisecond)
			}
			return err
		}, nil},
		{"a list after that", func() error { put(1); return nil }, []int{1}},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		got, _ := collect(t, f.Poll(ctx))
		var numbers []int
		for _, n := range got {
			at, _ := n.Time()
			numbers = append(numbers, at.Nanosecond()/1e6)
		}
		slices.Sort(numbers)
		slices.Sort(step.want)
		if !slices.Equal(numbers, step.want) {
			t.Errorf("after %s the poll yields %v, want %v", step.name, numbers, step.want)
		}
	}
}

// The cursor inside a loop covers what was yielded so far. A feed from that cursor
// yields everything else, and nothing again of traces that were read completely.
func TestCursorInsideTheLoop(t *testing.T) {
	url := testenv.RedisDB(t)
	s := open(t, url)
	var batch []osprofiler.Notification
	for i := range 60 {
		batch = append(batch, event(fmt.Sprint("trace-", i%7), i))
	}
	write(t, s, batch...)
	putLegacy(t, url)
	f := feed(t, s, "")
	var cursors []store.Cursor
	var all []string
	for n, err := range f.Poll(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all, cursors = append(all, n.TraceID+n.Name), append(cursors, f.Cursor())
	}
	for i, cursor := range cursors {
		rest, _ := collect(t, feed(t, s, cursor).Poll(t.Context()))
		for _, want := range all[i+1:] {
			if !slices.ContainsFunc(rest, func(n osprofiler.Notification) bool { return n.TraceID+n.Name == want }) {
				t.Fatalf("from the cursor of notification %d, %s is missed", i, want)
			}
		}
		if cursor != "" && len(rest) > len(all)-i-1+len(batch)/7+1 {
			t.Errorf("from the cursor of notification %d, %d of %d came", i, len(rest), len(all))
		}
	}
}

// The samples of a cursor are replaced while their traces are deleted.
func TestCursorAfterDeletions(t *testing.T) {
	url := testenv.RedisDB(t)
	s, client := open(t, url), bare(t, url)
	ids := fill(t, s, 50)
	f := feed(t, s, "")
	polled(t, f)
	for _, id := range ids[:45] {
		if err := client.Del(t.Context(), "osprofiler_opt:"+id).Err(); err != nil {
			t.Fatal(err)
		}
		if got := polled(t, f); got != nil {
			t.Errorf("after a deletion there came %v", got)
		}
	}
	if got := polled(t, feed(t, s, f.Cursor())); got != nil {
		t.Errorf("from the cursor there came %v", got)
	}
	for _, id := range ids[45:] {
		if err := client.Del(t.Context(), "osprofiler_opt:"+id).Err(); err != nil {
			t.Fatal(err)
		}
	}
	polled(t, f)
	if cursor := f.Cursor(); cursor != "" {
		t.Errorf("the cursor of an empty database is %q", cursor)
	}
}

// A feed also follows a store that has legacy keys only.
func TestFeedOfLegacyKeys(t *testing.T) {
	url := testenv.RedisDB(t)
	putLegacy(t, url)
	s := open(t, url)
	f := feed(t, s, "")
	if got := polled(t, f); len(got) != 8 {
		t.Fatalf("%d came", len(got))
	}
	if got := polled(t, feed(t, s, f.Cursor())); f.Cursor() == "" || got != nil {
		t.Errorf("from the cursor %q there came %v", f.Cursor(), got)
	}
	if got := polled(t, feed(t, open(t, url, oredis.WithLegacy(false)), "")); got != nil {
		t.Errorf("without the legacy keys there came %v", got)
	}
}

// A loop that takes one notification from each poll gets all notifications, and
// each damage once.
func TestFeedOneAtATime(t *testing.T) {
	url := testenv.RedisDB(t)
	s := open(t, url)
	var batch []osprofiler.Notification
	for i := range 6 {
		batch = append(batch, osprofiler.Notification{Name: fmt.Sprint("n", i), BaseID: fmt.Sprint("trace", i%2), Info: "{}"})
	}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := bare(t, url).LPush(t.Context(), "osprofiler_opt:trace0", "no JSON").Err(); err != nil {
		t.Fatal(err)
	}
	f := feed(t, s, "")
	names, damaged := map[string]int{}, 0
	for range 20 {
		for n, err := range f.Poll(t.Context()) {
			if err != nil {
				damaged++
			} else {
				names[n.Name]++
			}
			break
		}
	}
	if len(names) != 6 || damaged != 1 {
		t.Errorf("20 polls of one yield %v and damage %d times, want six names and damage once", names, damaged)
	}
	for name, count := range names {
		if count != 1 {
			t.Errorf("%s was yielded %d times", name, count)
		}
	}
}

// A list that is deleted and rewritten while a poll reads it is yielded as a
// whole, by this poll or by the next one.
func TestFeedOfListReplacedDuringAPoll(t *testing.T) {
	url := testenv.RedisDB(t)
	s := open(t, url)
	entries := func(prefix string, count int) (batch []osprofiler.Notification) {
		for i := range count {
			batch = append(batch, osprofiler.Notification{Name: fmt.Sprint(prefix, i), BaseID: "trace", Info: "{}"})
		}
		return batch
	}
	if err := s.Write(t.Context(), entries("old", 20_000)); err != nil {
		t.Fatal(err)
	}
	f := feed(t, s, "")
	names := map[string]bool{}
	for poll := range 3 {
		for n, err := range f.Poll(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if names[n.Name] = true; poll == 0 && len(names) == 10 {
				if err := bare(t, url).Del(t.Context(), "osprofiler_opt:trace").Err(); err != nil {
					t.Fatal(err)
				}
				if err := s.Write(t.Context(), entries("new", 19_000)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	missed := 0
	for i := range 19_000 {
		if !names[fmt.Sprint("new", i)] {
			missed++
		}
	}
	if missed > 0 {
		t.Errorf("%d of 19,000 notifications were missed", missed)
	}
}
