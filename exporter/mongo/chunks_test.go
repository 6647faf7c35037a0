package mongo_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/mongo"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

func largeNotification() osprofiler.Notification {
	return notification("a-start", `{"a": "`+strings.Repeat("x", 17<<20)+`"}`)
}

// Chunks that exist already get the time of the document that needs them, so that the
// server does not delete the chunks before the document.
func TestChunksAreAsNewAsTheirDocument(t *testing.T) {
	url := testenv.MongoDB(t)
	s, db, n := open(t, with(url, "osp_ttl=720h")), bare(t, url), largeNotification()
	write(t, s, n)
	long := time.Now().Add(-700 * time.Hour)
	if _, err := db.Collection("profiler_osp_chunks").UpdateMany(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "osp_written", Value: long}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Collection("profiler").DeleteMany(t.Context(), bson.D{}); err != nil {
		t.Fatal(err)
	}
	write(t, s, n)
	for _, chunk := range documents(t, db.Collection("profiler_osp_chunks")) {
		if at := chunk.Lookup("osp_written").Time(); time.Since(at) > 24*time.Hour {
			t.Fatalf("a chunk is of %v", at)
		}
	}
}

// Chunks that were written with a TTL stay as long as their document, which another
// writer writes without a TTL.
func TestChunksOfAWriterWithTTL(t *testing.T) {
	url := testenv.MongoDB(t)
	db, n := bare(t, url), largeNotification()
	write(t, open(t, with(url, "osp_ttl=720h")), n)
	if _, err := db.Collection("profiler").DeleteMany(t.Context(), bson.D{}); err != nil {
		t.Fatal(err)
	}
	write(t, open(t, url), n)
	for _, chunk := range documents(t, db.Collection("profiler_osp_chunks")) {
		if at, err := chunk.LookupErr("osp_written"); err == nil {
			t.Fatalf("the server deletes a chunk of %v, and not its document", at.Time())
		}
	}
}

// Each chunk is read within the time for one answer. All of them may take longer.
func TestChunksOverASlowNetwork(t *testing.T) {
	url := testenv.MongoDB(t)
	n := largeNotification()
	write(t, open(t, url), n)
	proxy := testenv.NewProxy(t, strings.TrimSuffix(strings.TrimPrefix(first(url), "mongodb://"), "/"))
	_, database := split(url)
	at := "mongodb://" + proxy.Addr() + "/?directConnection=true&socketTimeoutMS=8000&db_name=" + database
	s := open(t, at)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Delay(10 * time.Millisecond) // for each of some 64 pieces of a chunk
	began := time.Now()
	if back := readBack(t, s, n.BaseID); len(back) != 1 || !back[0].Equal(n) {
		t.Errorf("%d notifications", len(back))
	}
	if took := time.Since(began); took < 8*time.Second {
		t.Errorf("the chunks were read in %v, which proves nothing", took)
	}
}

// If chunks vanish while their document is written, the notification is not
// reported as stored.
func TestChunksDeletedMeanwhile(t *testing.T) {
	url := testenv.MongoDB(t)
	db := bare(t, url)
	monitor := &event.CommandMonitor{Succeeded: func(ctx context.Context, e *event.CommandSucceededEvent) {
		if e.CommandName == "insert" { // a deletion of a trace deletes its chunks last
			_, _ = db.Collection("profiler_osp_chunks").DeleteMany(context.WithoutCancel(ctx), bson.D{})
		}
	}}
	server, database := split(url)
	s := newStore(t, monitored(t, server, monitor), mongo.WithDatabase(database))
	n := largeNotification()
	lost := writeError(t, s.Write(t.Context(), []osprofiler.Notification{n}))
	if !slices.Equal(lost.Missing, []int{0}) || !store.IsTransient(lost) {
		t.Errorf("%+v", lost)
	}
}

func monitored(t *testing.T, server string, m *event.CommandMonitor, more ...*options.ClientOptions) *gomongo.Client {
	t.Helper()
	client, err := gomongo.Connect(append([]*options.ClientOptions{options.Client().ApplyURI(server).SetMonitor(m)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

// Chunks, the documents to delete, and everything that decides whether a notification is
// stored are read from the primary, because a secondary may lag.
func TestReadFromThePrimary(t *testing.T) {
	url := testenv.MongoDB(t)
	server, database := split(url)
	n := largeNotification()
	write(t, open(t, url), n)
	var mu sync.Mutex
	var fromSecondary []string
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		mode, _ := e.Command.Lookup("$readPreference", "mode").StringValueOK()
		collection, _ := e.Command.Lookup(e.CommandName).StringValueOK()
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(mode, "secondary") {
			fromSecondary = append(fromSecondary, e.CommandName+" "+collection)
		}
	}}
	s := newStore(t, monitored(t, server, monitor, options.Client().SetReadPreference(readpref.SecondaryPreferred())), mongo.WithDatabase(database))
	if back := readBack(t, s, n.BaseID); len(back) != 1 {
		t.Fatalf("%d notifications", len(back))
	}
	mu.Lock()
	if !slices.Equal(fromSecondary, []string{"find profiler"}) {
		t.Errorf("a trace is read from secondaries by %q, want one find of its documents", fromSecondary)
	}
	fromSecondary = nil
	mu.Unlock()
	if _, err := s.DeleteTraces(t.Context(), []string{n.BaseID, "other"}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(fromSecondary) > 0 {
		t.Errorf("a deletion reads from secondaries by %q", fromSecondary)
	}
}

// Deleting a trace whose id looks like the stored form of a long id leaves the trace
// with the long id alone.
func TestDeleteOfAnIDLikeAStoredOne(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		s, db := open(t, url), bare(t, url)
		long := notification("b-start", `{"host": "h"}`)
		long.BaseID = strings.Repeat("b", 5000)
		write(t, s, long)
		stored := documents(t, db.Collection("profiler"))[0].Lookup("base_id").StringValue()
		like := notification("a-start", `{"host": "h"}`)
		like.BaseID = stored
		write(t, s, like)
		foreign := bson.D{
			{Key: "name", Value: "c-start"}, {Key: "base_id", Value: stored}, {Key: "trace_id", Value: "t"}, {Key: "parent_id", Value: "p"},
			{Key: "timestamp", Value: "2024-05-06T07:08:09.000010"}, {Key: "info", Value: bson.D{{Key: "host", Value: "h"}}},
			{Key: "project", Value: nil}, {Key: "service", Value: nil},
		}
		if _, err := db.Collection("profiler").InsertOne(t.Context(), foreign); err != nil {
			t.Fatal(err)
		}
		if count, err := s.Delete(t.Context(), stored); err != nil || count != 2 {
			t.Errorf("%d notifications were deleted, %v", count, err)
		}
		if back := readBack(t, s, long.BaseID); len(back) != 1 {
			t.Errorf("of the trace with the long id, %d notifications are left", len(back))
		}
	})
}

// The traces of a request in a window of time are not read one by one.
func TestRequestInAWindowReadsLittle(t *testing.T) {
	server, database := split(testenv.MongoDB(t))
	var finds atomic.Int64
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == "find" {
			finds.Add(1)
		}
	}}
	s := newStore(t, monitored(t, server, monitor), mongo.WithDatabase(database))
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var all []osprofiler.Notification
	for i := range 300 {
		n := osprofiler.Notification{Name: "wsgi-start", BaseID: osprofiler.NewID(), TraceID: osprofiler.NewID(), Timestamp: osprofiler.FormatTime(start.Add(time.Duration(i) * time.Second)), Info: `{}`}
		if i == 150 {
			n.Info = `{"openstack": {"request_id": "req-1"}}`
		}
		all = append(all, n)
	}
	write(t, s, all...)
	finds.Store(0)
	traces := 0
	for _, err := range s.Traces(t.Context(), store.Query{RequestID: "req-1", Since: start.Add(10 * time.Second)}) {
		if err != nil {
			t.Fatal(err)
		}
		traces++
	}
	if traces != 1 || finds.Load() > 20 {
		t.Errorf("%d traces in %d finds", traces, finds.Load())
	}
}
