package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/mongo"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// onEachFeed runs a test with a new database of each server, and once more on
// MongoDB without its change streams.
func onEachFeed(t *testing.T, test func(t *testing.T, url string, open func(t testing.TB) *store.Store)) {
	t.Helper()
	onEachServer(t, func(t *testing.T, url string) {
		test(t, url, func(t testing.TB) *store.Store { return open(t, url) })
	})
	t.Run("MongoDB/by _id", func(t *testing.T) {
		url := testenv.MongoDB(t)
		test(t, url, func(t testing.TB) *store.Store {
			s := open(t, url)
			mongo.WithoutChangeStreams(s)
			return s
		})
	})
}

func follow(t testing.TB, s *store.Store, from store.Cursor) *store.Feed {
	t.Helper()
	f, err := s.Feed(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// poll returns the trace ids of the notifications that one Poll yields.
func poll(t testing.TB, f *store.Feed) (ids []string) {
	t.Helper()
	for n, err := range f.Poll(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, n.TraceID)
	}
	return ids
}

// pythonDocument is a document as Python's driver makes it at a time of its clock.
func pythonDocument(baseID, traceID string, clock time.Time) bson.D {
	return bson.D{
		{Key: "_id", Value: bson.NewObjectIDFromTimestamp(clock)},
		{Key: "name", Value: "db-start"}, {Key: "base_id", Value: baseID}, {Key: "trace_id", Value: traceID}, {Key: "parent_id", Value: baseID},
		{Key: "timestamp", Value: osprofiler.FormatTime(clock)}, {Key: "info", Value: bson.D{{Key: "host", Value: "h"}}},
		{Key: "project", Value: "nova"}, {Key: "service", Value: "api"},
	}
}

// insertPython inserts documents whose trace ids begin with a prefix.
func insertPython(ctx context.Context, c *gomongo.Collection, prefix string, clock time.Time, count int) (ids []string, err error) {
	documents := make([]bson.D, count)
	baseID := osprofiler.NewID()
	for i := range documents {
		ids = append(ids, fmt.Sprintf("%s%05d", prefix, i))
		documents[i] = pythonDocument(baseID, ids[i], clock.Add(time.Duration(i)*time.Millisecond))
	}
	_, err = c.InsertMany(ctx, documents)
	return ids, err
}

func mustInsert(t testing.TB, c *gomongo.Collection, prefix string, clock time.Time, count int) []string {
	t.Helper()
	ids, err := insertPython(t.Context(), c, prefix, clock, count)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// same fails unless two lists of ids have the same ids, each once.
func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %d notifications, want %d: %.300v, want %.300v", what, len(got), len(want), got, want)
	}
}

// Services with clocks that differ by minutes insert at once, and one imports old
// traces. A feed is closed in the middle, and another one continues from its cursor.
func TestFeedUnderWriters(t *testing.T) {
	const count = 120
	onEachFeed(t, func(t *testing.T, url string, open func(testing.TB) *store.Store) {
		s, events := open(t), bare(t, url).Collection("profiler")
		var writers sync.WaitGroup
		var mu sync.Mutex
		var all []string
		wrote := func(err error, ids ...string) {
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, ids...); err != nil {
				t.Error(err)
			}
		}
		for _, skew := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
			writers.Go(func() {
				for i := range count / 4 {
					ids, err := insertPython(t.Context(), events, fmt.Sprintf("python%v-%d-", skew, i), time.Now().Add(skew), 4)
					wrote(err, ids...)
				}
			})
		}
		for _, age := range []time.Duration{0, 3 * 365 * 24 * time.Hour} {
			writers.Go(func() {
				for i := range count / 4 {
					n := notification("a-start", `{"host": "h"}`)
					n.TraceID = fmt.Sprintf("ours%v-%d", age, i)
					n.Timestamp = osprofiler.FormatTime(time.Now().Add(-age))
					wrote(s.Write(t.Context(), []osprofiler.Notification{n}), n.TraceID)
				}
			})
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			writers.Wait()
		}()
		seen := map[string]bool{}
		f := follow(t, s, "")
		for polls, last := 0, false; ; polls++ {
			if polls%3 == 2 { // give up in the middle
				for n, err := range f.Poll(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					seen[n.TraceID] = true
					if len(seen)%7 == 0 {
						break
					}
				}
				f = follow(t, s, f.Cursor())
			}
			for _, id := range poll(t, f) {
				seen[id] = true
			}
			if last {
				break
			}
			select {
			case <-done:
				last = true
			case <-time.After(20 * time.Millisecond):
			}
		}
		for _, id := range all {
			if !seen[id] {
				t.Errorf("the feed missed %s", id)
			}
		}
		if again := poll(t, f); len(again) > 0 {
			t.Errorf("a poll without anything new yields %d notifications", len(again))
		}
	})
}

// Documents with small _ids among many are found at once and alone, also when
// others are deleted at the same time, and from a cursor.
func TestFeedOldIDs(t *testing.T) {
	const many = 2600
	onEachFeed(t, func(t *testing.T, url string, open func(testing.TB) *store.Store) {
		s, events := open(t), bare(t, url).Collection("profiler")
		begin := time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)
		want := mustInsert(t, events, "many", begin, many)
		f := follow(t, s, "")
		same(t, "the first poll", poll(t, f), want)

		for _, at := range []time.Duration{-time.Hour, time.Second, 2 * time.Second, time.Hour} {
			same(t, "a poll after an import", poll(t, f), nil)
			same(t, "a poll after an import", pollAfter(t, f, func() []string { return mustInsert(t, events, "import"+at.String(), begin.Add(at), 30) }), nil)
		}
		same(t, "a poll after a deletion and an import", pollAfter(t, f, func() []string {
			if _, err := events.DeleteMany(t.Context(), bson.D{{Key: "trace_id", Value: bson.D{{Key: "$lt", Value: "many00050"}, {Key: "$gte", Value: "many"}}}}); err != nil {
				t.Fatal(err)
			}
			return mustInsert(t, events, "instead", begin.Add(-2*time.Hour), 40)
		}), nil)

		at := f.Cursor()
		if len(at) > 9000 {
			t.Errorf("a cursor of %d bytes", len(at))
		}
		fresh := slices.Concat(mustInsert(t, events, "behind", begin.Add(1500*time.Millisecond), 10), mustInsert(t, events, "newest", time.Now(), 10))
		resumed := follow(t, s, at)
		got := poll(t, resumed)
		for _, id := range fresh {
			if !slices.Contains(got, id) {
				t.Errorf("a feed from a cursor missed %s", id)
			}
		}
		if len(got) > many/4 {
			t.Errorf("a feed from a cursor yields %d notifications, of which %d are new", len(got), len(fresh))
		}
		same(t, "the feed that went on", poll(t, f), fresh)
		same(t, "a poll without anything new", poll(t, resumed), nil)
	})
}

// pollAfter inserts documents and returns the difference between the inserted ids and the
// ids that the next poll yields.
func pollAfter(t testing.TB, f *store.Feed, insert func() []string) (difference []string) {
	t.Helper()
	want := insert()
	got := poll(t, f)
	for _, id := range got {
		if i := slices.Index(want, id); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else {
			difference = append(difference, "again "+id)
		}
	}
	for _, id := range want {
		difference = append(difference, "missed "+id)
	}
	return difference
}

// A feed also yields documents whose _ids are not ObjectIDs.
func TestFeedForeignIDs(t *testing.T) {
	onEachFeed(t, func(t *testing.T, url string, open func(testing.TB) *store.Store) {
		s, events := open(t), bare(t, url).Collection("profiler")
		insert := func(id any, traceID string) {
			document := pythonDocument("b", traceID, time.Now())
			document[0].Value = id
			if _, err := events.InsertOne(t.Context(), document); err != nil {
				t.Fatal(err)
			}
		}
		insert("text", "1")
		insert(17, "2")
		insert(bson.D{{Key: "a", Value: 1}}, "3")
		f := follow(t, s, "")
		same(t, "the first poll", poll(t, f), []string{"1", "2", "3"})
		insert("abc", "4")
		insert(bson.NewObjectID(), "5")
		same(t, "the second poll", poll(t, f), []string{"4", "5"})
		insert("abd", "6")
		if got := poll(t, follow(t, s, f.Cursor())); !slices.Contains(got, "6") {
			t.Errorf("a feed from a cursor yields %v, without 6", got)
		}
	})
}

// A feed continues when the collection is dropped and created again. A cursor from before
// does not belong to the new collection.
func TestFeedDropped(t *testing.T) {
	onEachFeed(t, func(t *testing.T, url string, open func(testing.TB) *store.Store) {
		s, events := open(t), bare(t, url).Collection("profiler")
		mustInsert(t, events, "before", time.Now(), 50)
		f := follow(t, s, "")
		if got := poll(t, f); len(got) != 50 {
			t.Fatalf("the first poll yields %d", len(got))
		}
		at := f.Cursor()
		if err := events.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := mustInsert(t, events, "after", time.Now().Add(-time.Hour), 60)
		same(t, "a poll after the drop", poll(t, f), after)
		same(t, "the next poll", poll(t, f), nil)
		same(t, "a feed from the new cursor", poll(t, follow(t, s, f.Cursor())), nil)
		if err := pollError(t, s, at); !errors.Is(err, store.ErrCursor) {
			t.Errorf("from the old cursor: got the error %v, want %v", err, store.ErrCursor)
		}
	})
}

// pollError returns the error of a feed from a cursor.
func pollError(t testing.TB, s *store.Store, from store.Cursor) error {
	t.Helper()
	f, err := s.Feed(t.Context(), from)
	if err != nil {
		return err
	}
	for _, err := range f.Poll(t.Context()) {
		if err != nil {
			return err
		}
	}
	return nil
}

// On a server that gives collections no UUIDs, a cursor belongs to a collection that has
// any of the documents in the cursor.
func TestFeedWithoutUUIDs(t *testing.T) {
	onEachFeed(t, func(t *testing.T, url string, open func(testing.TB) *store.Store) {
		s, events := open(t), bare(t, url).Collection("profiler")
		mongo.WithoutUUIDs(s)
		mongo.WithoutChangeStreams(s)
		mustInsert(t, events, "before", time.Now(), 50)
		f := follow(t, s, "")
		if got := poll(t, f); len(got) != 50 {
			t.Fatalf("the first poll yields %d", len(got))
		}
		at := f.Cursor()
		fresh := mustInsert(t, events, "new", time.Now(), 5)
		if got := poll(t, follow(t, s, at)); len(got) < len(fresh) || len(got) > 2*len(fresh) {
			t.Errorf("from the cursor %d notifications, want about %d", len(got), len(fresh))
		}
		if _, err := events.DeleteMany(t.Context(), bson.D{}); err != nil {
			t.Fatal(err)
		}
		mustInsert(t, events, "other", time.Now(), 50)
		if err := pollError(t, s, at); !errors.Is(err, store.ErrCursor) {
			t.Errorf("in another collection: got the error %v, want %v", err, store.ErrCursor)
		}
	})
}

// Nothing is missed if the server says that the history of the stream does not reach back
// to the token, when the stream is opened or later.
func TestFeedHistoryLost(t *testing.T) {
	server := testenv.StartMongoDB(t, "--enable-test-commands")
	url := with(server.MongoDB(), "db_name=osp_test_history")
	s, db := open(t, url), bare(t, url)
	events := db.Collection("profiler")
	before := mustInsert(t, events, "before", time.Now(), 50)
	f := follow(t, s, "")
	same(t, "the first poll", poll(t, f), before)
	for _, command := range []string{"aggregate", "getMore"} {
		at := f.Cursor()
		fresh := mustInsert(t, events, command, time.Now().Add(-time.Hour), 5)
		failOnce(t, db, command, 286)
		got := poll(t, f)
		for _, id := range fresh {
			if !slices.Contains(got, id) {
				t.Errorf("after the history was lost at %s, the feed missed %s", command, id)
			}
		}
		same(t, "the next poll", poll(t, f), nil)
		same(t, "a feed from the cursor before", poll(t, follow(t, s, at)), fresh)
	}
}

// failOnce makes the server answer the next command of a kind with an error.
func failOnce(t testing.TB, db *gomongo.Database, command string, code int) {
	t.Helper()
	err := db.Client().Database("admin").RunCommand(t.Context(), bson.D{
		{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: bson.D{{Key: "times", Value: 1}}},
		{Key: "data", Value: bson.D{{Key: "failCommands", Value: bson.A{command}}, {Key: "errorCode", Value: code}}},
	}).Err()
	if err != nil {
		t.Fatal(err)
	}
}

// A token of MongoDB has a time. By this time, a Poll ends as soon as the stream has
// reached its target.
func TestTimeOfToken(t *testing.T) {
	for token, want := range map[string]uint64{
		"8263F1D2A7000000022B022C0100296E5A1004": 0x63F1D2A7_00000002, // of MongoDB 6
		"46000000107300cb2c02001174000500000040": 0,                   // of SecantusDB
		"":                                       0, "82": 0, "82zz000000000000000000": 0,
	} {
		raw, err := bson.Marshal(bson.D{{Key: "_data", Value: token}})
		if err != nil {
			t.Fatal(err)
		}
		if got := mongo.TimeOfToken(raw); got != want {
			t.Errorf("the time of %q is %x, want %x", token, got, want)
		}
	}
}
