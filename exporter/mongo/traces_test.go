package mongo_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/mongo"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// list returns the summaries of a query in the order of their base ids, and how
// many documents are damaged.
func list(t testing.TB, s *store.Store, q store.Query) (all []store.Summary, damages int) {
	t.Helper()
	for summary, err := range s.Traces(t.Context(), q) {
		switch {
		case store.Ends(err):
			t.Fatal(err)
		case err != nil:
			damages++
		default:
			all = append(all, summary)
		}
	}
	slices.SortFunc(all, func(a, b store.Summary) int { return cmp.Compare(a.BaseID, b.BaseID) })
	return all, damages
}

// oddDocuments returns documents of some traces: most as Python writes them, and
// others with everything that a server cannot compare as we do.
func oddDocuments(count int) (documents []bson.D) {
	choose := rand.New(rand.NewPCG(1, 2))
	pick := func(values ...any) any {
		if choose.IntN(4) > 0 {
			return values[0]
		}
		return values[choose.IntN(len(values))]
	}
	begin := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for i := range count {
		trace := choose.IntN(count / 6)
		at := osprofiler.FormatTime(begin.Add(time.Duration(60*trace)*time.Second + time.Duration(i)*time.Millisecond))
		info := pick(bson.D{{Key: "host", Value: "h"}}, bson.D{{Key: "etype", Value: "E"}}, bson.D{{Key: "etype", Value: nil}})
		name, service, traceID := any("a-start"), any("api"), any(fmt.Sprint(choose.IntN(5)))
		if trace%3 == 0 { // every third trace is odd
			info = pick(info, bson.D{{Key: "etype", Value: 0}}, bson.A{bson.D{{Key: "etype", Value: "E"}}}, nil, "etype", bson.D{{Key: "numbers", Value: numbers}})
			name, service, traceID = pick(name, nil, 5), pick(service, "", 7, bson.D{}), pick(traceID, "", nil, 5, "5")
			at = pick(at, "", "yesterday", at[:19], at+"Z", "2024-02-30T00:00:00.000000").(string)
		}
		documents = append(documents, bson.D{
			{Key: "_id", Value: bson.NewObjectID()},
			{Key: "name", Value: name}, {Key: "base_id", Value: baseIDs[trace%3](trace)}, {Key: "trace_id", Value: traceID}, {Key: "parent_id", Value: "p"},
			{Key: "timestamp", Value: at}, {Key: "info", Value: info}, {Key: "project", Value: "nova"}, {Key: "service", Value: service},
		})
	}
	return documents
}

var numbers = bson.A{1.5, int64(1) << 60, true}

var baseIDs = []func(trace int) any{
	func(trace int) any { // texts and numbers with the same text
		if trace%2 == 0 {
			return trace / 6 * 6
		}
		return fmt.Sprint(trace / 6 * 6)
	},
	func(trace int) any { return fmt.Sprintf("c0000000-0000-4000-8000-%012d", trace) },
	func(trace int) any { return fmt.Sprint("trace ", trace) },
}

// summarized returns the summaries that the Summarizer makes of all
// notifications.
func summarized(t testing.TB, s *store.Store) (all []store.Summary) {
	t.Helper()
	traces := map[string]*driver.Summarizer{}
	feeder, _ := driver.As[driver.Feeder](s.Driver())
	f, err := feeder.Feed(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for n, err := range f.Poll(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		id := driver.Text(n.BaseID)
		if traces[id] == nil {
			traces[id] = &driver.Summarizer{}
		}
		traces[id].Add(&n)
	}
	for _, id := range slices.Sorted(maps.Keys(traces)) {
		all = append(all, traces[id].Summary())
	}
	return all
}

// Every way to list returns what the Summarizer makes of the notifications.
func TestListingsAgree(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		documents := oddDocuments(900)
		if _, err := bare(t, url).Collection("profiler").InsertMany(t.Context(), documents); err != nil {
			t.Fatal(err)
		}
		s, reading := open(t, url), open(t, url)
		mongo.WithoutGroups(reading)
		want := summarized(t, s)
		for name, s := range map[string]*store.Store{"summing up": s, "reading": reading} {
			for _, q := range []store.Query{{}, {Limit: 10_000}, {Failed: true}, {Failed: true, Limit: 10_000}, {Since: time.Unix(1, 0)}} {
				expected := slices.DeleteFunc(slices.Clone(want), func(one store.Summary) bool { return !q.Matches(&one) })
				got, _ := list(t, s, q)
				compare(t, fmt.Sprintf("%s, %+v", name, q), got, expected)
			}
		}
		if sums := mongo.SumsUp(s); sums != (t.Name() == "TestListingsAgree/MongoDB") {
			t.Errorf("the server sums up traces: %t", sums)
		}
	})
}

// compare compares summaries. Which of several events at the same time is the
// first is not defined.
func compare(t testing.TB, what string, got, want []store.Summary) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d traces, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		g, w := got[i], want[i]
		if g.Time().IsZero() {
			g.Name, g.Service, w.Name, w.Service = "", "", "", ""
		}
		if g != w {
			t.Errorf("%s: got\n%+v, want\n%+v", what, g, w)
		}
	}
}

// Windows and limits of a listing return what filtering a whole listing returns.
func TestListWindows(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		s := open(t, url)
		begin := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
		var all []osprofiler.Notification
		for i := range 300 {
			n := notification("a-start", `{"host": "h"}`)
			n.Timestamp = osprofiler.FormatTime(begin.Add(time.Duration(i*7%300) * time.Minute))
			later := n
			later.Name, later.Timestamp = "a-stop", osprofiler.FormatTime(begin.Add(time.Duration(i*11%300+300)*time.Minute))
			if i%5 == 0 {
				later.Info = `{"etype": "E"}`
			}
			all = append(all, later, n)
		}
		write(t, s, all...)
		whole, _ := list(t, s, store.Query{})
		for _, failed := range []bool{false, true} {
			for _, q := range []store.Query{
				{Limit: 10}, {Since: begin.Add(200 * time.Minute)}, {Until: begin.Add(10 * time.Minute)}, {Until: begin.Add(20 * time.Minute), Limit: 5},
				{Since: begin.Add(10 * time.Minute), Until: begin.Add(400 * time.Minute), Limit: 50, ByFirstEvent: true}, {MinDuration: 500 * time.Minute, Limit: 7},
			} {
				q.Failed = failed
				want := slices.DeleteFunc(slices.Clone(whole), func(one store.Summary) bool { return !q.Matches(&one) })
				slices.SortFunc(want, func(a, b store.Summary) int {
					return cmp.Or(q.Time(&b).Compare(q.Time(&a)), cmp.Compare(a.BaseID, b.BaseID))
				})
				if q.Limit > 0 {
					want = want[:min(len(want), q.Limit)]
				}
				slices.SortFunc(want, func(a, b store.Summary) int { return cmp.Compare(a.BaseID, b.BaseID) })
				got, _ := list(t, s, q)
				compare(t, fmt.Sprintf("%+v", q), got, want)
			}
		}
	})
}

// A document that cannot be read is an error that names it. Everything else is
// read.
func TestDamage(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		s, events := open(t, url), bare(t, url).Collection("profiler")
		good := notification("a-start", `{"host": "h"}`)
		write(t, s, good)
		damaged := pythonDocument(good.BaseID, "t", time.Now())
		lonely := pythonDocument("lonely", "t", time.Now())
		for _, document := range []bson.D{damaged, lonely} {
			if _, err := events.InsertOne(t.Context(), append(document, bson.E{Key: "osp_original", Value: "{"})); err != nil {
				t.Fatal(err)
			}
		}
		read, damages := 0, 0
		for n, err := range s.Notifications(t.Context(), good.BaseID) {
			var damage *store.DamageError
			switch {
			case errors.As(err, &damage):
				damages++
			case err != nil:
				t.Fatal(err)
			case n.Equal(good):
				read++
			}
		}
		if read != 1 || damages != 1 {
			t.Errorf("reading yields %d notifications and %d damages", read, damages)
		}
		for _, q := range []store.Query{{}, {Limit: 10}} {
			if all, damages := list(t, s, q); len(all) != 1 || all[0].Notifications != 1 || damages != 2 {
				t.Errorf("listing %+v: %v and %d damages", q, all, damages)
			}
		}
		got, damages := 0, 0
		for _, err := range follow(t, s, "").Poll(t.Context()) {
			if store.Ends(err) {
				t.Fatal(err)
			}
			if err != nil {
				damages++
			} else {
				got++
			}
		}
		if got != 1 || damages != 2 {
			t.Errorf("a feed yields %d notifications and %d damages", got, damages)
		}
		if n, err := s.Delete(t.Context(), "lonely"); n != 1 || err != nil {
			t.Errorf("deleting a damaged document: %d, %v", n, err)
		}
	})
}

// Everything is read, and nothing twice, if the server loses a cursor, as it does after
// ten minutes.
func TestLostCursor(t *testing.T) {
	const count, cursorNotFound = 700, 43
	server := testenv.StartMongoDB(t, "--enable-test-commands")
	url := with(server.MongoDB(), "db_name=osp_test_cursor")
	db := bare(t, url)
	s, reading, byID := open(t, url), open(t, url), open(t, url)
	mongo.WithoutGroups(reading)
	mongo.WithoutChangeStreams(byID)
	baseID := osprofiler.NewID()
	batch := sample(baseID, count)
	for i := range count {
		batch = append(batch, sample(osprofiler.NewID(), 1+i%2)...)
	}
	write(t, s, batch...)
	for name, read := range map[string]func() int{
		"a trace":              func() int { return len(readBack(t, s, baseID)) - count + len(batch) },
		"a listing":            func() int { return total(list(t, s, store.Query{})) },
		"a walk":               func() int { return total(list(t, s, store.Query{Limit: 1 << 20})) },
		"a listing by reading": func() int { return total(list(t, reading, store.Query{})) },
		"a walk by reading":    func() int { return total(list(t, reading, store.Query{Limit: 1 << 20})) },
		"a feed":               func() int { return len(poll(t, follow(t, s, ""))) },
		"a feed by _id":        func() int { return len(poll(t, follow(t, byID, ""))) },
	} {
		failOnce(t, db, "getMore", cursorNotFound)
		if got := read(); got != len(batch) {
			t.Errorf("%s yields %d notifications, want %d", name, got, len(batch))
		}
	}
}

func total(all []store.Summary, _ int) (notifications int) {
	for i := range all {
		notifications += all[i].Notifications
	}
	return notifications
}

// Reading creates nothing, and a database that does not exist reads as empty.
func TestReadingCreatesNothing(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		s := open(t, url)
		if _, err := s.Delete(t.Context(), "x"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleting: %v", err)
		}
		for _, q := range []store.Query{{}, {Limit: 5}, {Failed: true, First: true}} {
			if all, _ := list(t, s, q); len(all) > 0 {
				t.Errorf("listing %+v: %v", q, all)
			}
		}
		f := follow(t, s, "")
		if got := poll(t, f); len(got) > 0 || len(poll(t, f)) > 0 {
			t.Errorf("a feed yields %v", got)
		}
		for _, rows := range []int{len(rows(t, s, nil)), len(failedRows(t, s))} {
			if rows != 0 {
				t.Errorf("Python's answer has %d rows", rows)
			}
		}
		names, err := bare(t, url).ListCollectionNames(t.Context(), bson.D{})
		if err != nil || len(names) > 0 {
			t.Errorf("there are the collections %v, %v", names, err)
		}
	})
}

// Base ids that are not strings are found, listed and deleted by their texts.
func TestForeignBaseIDs(t *testing.T) {
	uuid := []byte("\xc0\x00\x00\x00\x00\x00\x40\x00\x80\x00\x00\x00\x00\x00\x00\x07")
	onEachServer(t, func(t *testing.T, url string) {
		s, events := open(t, url), bare(t, url).Collection("profiler")
		want := map[string]int{}
		for _, c := range []struct {
			value any
			text  string
		}{
			{5, "5"}, {int64(5), "5"}, {"5", "5"}, {5.0, "5.0"}, {true, "true"}, {nil, ""}, {"", ""}, {bson.A{"x"}, `["x"]`}, {"x", "x"},
			{bson.Binary{Subtype: 3, Data: uuid}, "c0000000-0000-4000-8000-000000000007"}, {"c0000000-0000-4000-8000-000000000007", "c0000000-0000-4000-8000-000000000007"},
		} {
			document := pythonDocument("", "t", time.Now())
			document[2].Value = c.value
			if _, err := events.InsertOne(t.Context(), document); err != nil {
				t.Fatal(err)
			}
			want[c.text]++
		}
		for _, q := range []store.Query{{}, {Limit: 20}} {
			got := map[string]int{}
			all, _ := list(t, s, q)
			for i := range all {
				if got[all[i].BaseID] > 0 {
					t.Errorf("listing %+v: the trace %q comes twice", q, all[i].BaseID)
				}
				got[all[i].BaseID] = all[i].Notifications
			}
			if !maps.Equal(got, want) {
				t.Errorf("listing %+v: got %v, want %v", q, got, want)
			}
		}
		ids, counts := slices.Sorted(maps.Keys(want)), []int{}
		for _, id := range ids {
			counts = append(counts, want[id])
			if got, err := count(t, s, id); got == 0 || err != nil {
				t.Errorf("reading the trace %q yields %d notifications, %v", id, got, err)
			}
		}
		deletions, err := s.DeleteTraces(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range deletions {
			if d.Notifications != counts[i] || d.Err != nil {
				t.Errorf("deleting the trace %q: got %d and %v, want %d", ids[i], d.Notifications, d.Err, counts[i])
			}
		}
		if left := documents(t, events); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	})
}

// count returns how many notifications a trace has, equal ones counted each time.
func count(t testing.TB, s *store.Store, baseID string) (notifications int, err error) {
	t.Helper()
	reader, _ := driver.As[driver.Reader](s.Driver())
	for n, err := range reader.Notifications(t.Context(), baseID) {
		if err != nil {
			return notifications, err
		}
		if driver.Text(n.BaseID) == baseID {
			notifications++
		}
	}
	return notifications, nil
}

// Deleting a trace deletes its chunks and the record of its failure, too, one by
// one and many at once.
func TestDeleteEverywhere(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		s, db := open(t, with(url, "filter_error_trace=true")), bare(t, url)
		var ids []string
		for range 3 {
			failed := notification("a-stop", `{"etype": "E", "host": "h"}`)
			write(t, s, failed)
			ids = append(ids, failed.BaseID)
			chunk := bson.D{{Key: "_id", Value: bson.D{{Key: "doc", Value: bson.NewObjectID()}, {Key: "n", Value: 0}}}, {Key: "base_id", Value: failed.BaseID}}
			if _, err := db.Collection("profiler_osp_chunks").InsertOne(t.Context(), chunk); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.Delete(t.Context(), ids[0]); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		collections := []string{"profiler", "profiler_error", "profiler_osp_chunks"}
		for _, name := range collections {
			if left := documents(t, db.Collection(name)); len(left) != 2 {
				t.Errorf("%s has %d documents after one of three was deleted", name, len(left))
			}
		}
		if _, err := s.DeleteTraces(t.Context(), ids[1:]); err != nil {
			t.Fatal(err)
		}
		for _, name := range collections {
			if left := documents(t, db.Collection(name)); len(left) != 0 {
				t.Errorf("%s has %d documents after all were deleted", name, len(left))
			}
		}
	})
}

// A listing of many traces needs little memory, however they are listed.
func TestListMemory(t *testing.T) {
	traces, servers := 4000, servers[:1]
	if testenv.Soak() {
		traces, servers = 20_000, servers[:2]
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			url := server.new(t)
			fill(t, bare(t, url).Collection("profiler"), traces, 2)
			s, reading := open(t, url), open(t, url)
			mongo.WithoutGroups(reading)
			for name, s := range map[string]*store.Store{"summing up": s, "reading": reading} {
				for _, q := range []store.Query{{}, {Limit: 100}} {
					before, peak, listed := heap(), uint64(0), 0
					for _, err := range s.Traces(t.Context(), q) {
						if err != nil {
							t.Fatal(err)
						}
						if listed++; listed%1000 == 0 {
							peak = max(peak, heap())
						}
					}
					if want := cmp.Or(q.Limit, traces); listed != want {
						t.Errorf("%s, %+v: %d traces, want %d", name, q, listed, want)
					}
					grown := int64(peak) - int64(before)
					t.Logf("%s, limit %d of %d traces: %d KiB", name, q.Limit, traces, grown>>10)
					if grown > 24<<20 {
						t.Errorf("%s, %+v: %d MiB in memory", name, q, grown>>20)
					}
				}
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fill inserts traces of some events each, one trace each second.
func fill(t testing.TB, c *gomongo.Collection, traces, size int) {
	t.Helper()
	begin := time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)
	var batch []bson.D
	for i := range traces {
		baseID := osprofiler.NewID()
		for j := range size {
			batch = append(batch, pythonDocument(baseID, fmt.Sprint(j/2), begin.Add(time.Duration(i)*time.Second+time.Duration(j)*time.Millisecond)))
		}
		if len(batch) >= 2000 || i == traces-1 {
			if _, err := c.InsertMany(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	keys := []gomongo.IndexModel{{Keys: bson.D{{Key: "base_id", Value: 1}}}, {Keys: bson.D{{Key: "timestamp", Value: 1}}}}
	if _, err := c.Indexes().CreateMany(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
}

// sample returns notifications like those of database calls.
func sample(baseID string, count int) []osprofiler.Notification {
	all := make([]osprofiler.Notification, count)
	from := time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)
	for i := range all {
		all[i] = osprofiler.Notification{
			Name: "db-start", BaseID: baseID, TraceID: osprofiler.NewID(), ParentID: baseID,
			Timestamp: osprofiler.FormatTime(from.Add(time.Duration(i) * time.Microsecond)),
			Info:      `{"db": {"statement": "SELECT instances.id FROM instances WHERE instances.deleted = %s", "params": [0]}, "host": "compute-1"}`,
			Project:   "nova", Service: "api",
		}
	}
	return all
}
