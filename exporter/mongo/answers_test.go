package mongo_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// An adjustable is a server with fail points. A test uses them to make the next commands
// fail.
type adjustable struct {
	url string
	db  *gomongo.Database
}

func startAdjustable(t *testing.T) adjustable {
	t.Helper()
	// A polled server is used again soon after it said that it is not the primary.
	url := with(testenv.StartMongoDB(t, "--enable-test-commands").MongoDB(), "db_name=osprofiler&serverMonitoringMode=poll&heartbeatFrequencyMS=500")
	return adjustable{url, bare(t, url)}
}

// fail makes the next commands fail.
func (a *adjustable) fail(t *testing.T, times int, data bson.D) {
	t.Helper()
	command := bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: bson.D{{Key: "times", Value: times}}}, {Key: "data", Value: data}}
	if err := a.db.Client().Database("admin").RunCommand(t.Context(), command).Err(); err != nil {
		t.Fatal(err)
	}
}

func (a *adjustable) count(t *testing.T) int {
	t.Helper()
	return len(documents(t, a.db.Collection("profiler")))
}

func onInsert(more ...bson.E) bson.D {
	return append(bson.D{{Key: "failCommands", Value: bson.A{"insert"}}}, more...)
}

// The error of Write is transient if the server's answer stands for a state that passes,
// and only then. When the state has passed, the same Write succeeds.
func TestAnswers(t *testing.T) {
	server := startAdjustable(t)
	s := open(t, with(server.url, "retryWrites=false"))
	for i, c := range []struct {
		code      int
		transient bool
	}{
		{91, true}, {189, true}, {10107, true}, {11600, true}, {11602, true}, {13435, true}, {13436, true},
		{50, true}, {112, true}, {134, true}, {262, true}, {365, true}, {371, true}, {14031, true}, {16500, true}, {999999, true},
		{13, false}, {20, false}, {72, false}, {166, false},
	} {
		batch := []osprofiler.Notification{notification("a-start", `{"host": "h"}`), notification("a-stop", `{"host": "h"}`)}
		server.fail(t, 1, onInsert(bson.E{Key: "errorCode", Value: c.code}))
		err := writeError(t, s.Write(t.Context(), batch))
		if err.Transient != c.transient || len(err.Missing) > 0 && len(err.Missing) != 2 || len(err.Refused) > 0 {
			t.Errorf("%d: %+v", c.code, err)
		}
		if !strings.HasPrefix(err.Error(), "MongoDB at 127.0.0.1:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d: %v", c.code, err)
		}
		write(t, s, batch...)
		if got := server.count(t); got != 2*(i+1) {
			t.Fatalf("%d: %d documents, want %d", c.code, got, 2*(i+1))
		}
	}
}

// The client library repeats an insert once by itself. If the documents are stored
// already, the server answers that the _id is a duplicate.
func TestRepeatedInserts(t *testing.T) {
	server := startAdjustable(t)
	s := open(t, server.url)
	batch := []osprofiler.Notification{notification("a-start", `{"host": "h"}`), notification("a-stop", `{"host": "h"}`)}
	for _, data := range []bson.D{
		onInsert(bson.E{Key: "closeConnection", Value: true}),
		onInsert(bson.E{Key: "errorCode", Value: 91}, bson.E{Key: "errorLabels", Value: bson.A{"RetryableWriteError"}}),
	} {
		server.fail(t, 1, data)
		write(t, s, batch...)
		if got := server.count(t); got != 2 {
			t.Errorf("%d documents, want 2", got)
		}
	}
}

// A connection that breaks does not count as a refusal of the notifications. The server
// answers other commands, so the batch is sent again in parts.
func TestBrokenConnections(t *testing.T) {
	server := startAdjustable(t)
	s := open(t, with(server.url, "retryWrites=false"))
	var batch []osprofiler.Notification
	for i := range 20 {
		batch = append(batch, notification(fmt.Sprintf("n%d-start", i), `{"host": "h"}`))
	}
	write(t, s) // nothing
	server.fail(t, 3, onInsert(bson.E{Key: "closeConnection", Value: true}))
	write(t, s, batch...)
	if got := server.count(t); got != 20 {
		t.Errorf("%d documents, want 20", got)
	}
	server.fail(t, 1000, onInsert(bson.E{Key: "closeConnection", Value: true}))
	err := writeError(t, s.Write(t.Context(), batch))
	if len(err.Refused) > 0 || !err.Transient || !strings.Contains(err.Error(), "the connection to MongoDB at") {
		t.Errorf("%+v", err)
	}
	server.fail(t, 0, onInsert(bson.E{Key: "closeConnection", Value: true}))
	write(t, s, batch...)
	if got := server.count(t); got != 20 {
		t.Errorf("%d documents, want 20", got)
	}
}

// If the network breaks all large messages for a second, no notification is refused.
func TestShortFaultAtALargeNotification(t *testing.T) {
	url := testenv.MongoDB(t)
	proxy := testenv.NewProxy(t, strings.TrimSuffix(strings.TrimPrefix(first(url), "mongodb://"), "/"))
	_, database := split(url)
	s := open(t, "mongodb://"+proxy.Addr()+"/?directConnection=true&db_name="+database)
	n := notification("a-start", `{"text": "`+strings.Repeat("x", 3<<20)+`"}`)
	write(t, s, notification("b-start", `{}`))
	var ended sync.Once
	proxy.LimitRequests(1 << 20)
	proxy.AtCut(func() { ended.Do(func() { time.AfterFunc(time.Second, func() { proxy.LimitRequests(-1) }) }) })
	write(t, s, n)
	if back := readBack(t, s, n.BaseID); len(back) != 1 || !back[0].Equal(n) {
		t.Errorf("%d notifications", len(back))
	}
}

// A notification that is written without the confirmation of the write concern is not
// known to be stored.
func TestWriteConcern(t *testing.T) {
	server := startAdjustable(t)
	batch := []osprofiler.Notification{notification("a-start", `{"host": "h"}`)}
	for options, transient := range map[string]bool{"w=2": false, "w=nosuch": false} {
		s := open(t, with(server.url, options))
		err := writeError(t, s.Write(t.Context(), batch))
		if err.Transient != transient || len(err.Refused) > 0 || !strings.Contains(err.Error(), "did not confirm the write as the write concern asks") {
			t.Errorf("%s: %+v", options, err)
		}
	}
	s := open(t, with(server.url, "retryWrites=false"))
	for _, code := range []int{64, 91} {
		concern := bson.D{{Key: "code", Value: code}, {Key: "errmsg", Value: "waiting for replication timed out"}}
		server.fail(t, 1, onInsert(bson.E{Key: "writeConcernError", Value: concern}))
		if err := writeError(t, s.Write(t.Context(), batch)); !err.Transient || !strings.Contains(err.Error(), "did not confirm") {
			t.Errorf("%d: %+v", code, err)
		}
		write(t, s, batch...)
	}
	if got := server.count(t); got != 1 {
		t.Errorf("%d documents, want 1", got)
	}
	// A client whose write concern requests no answer.
	client, err := gomongo.Connect(options.Client().ApplyURI(strings.Split(server.url, "?")[0] + "?w=0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	unsure := newStore(t, client)
	if err := writeError(t, unsure.Write(t.Context(), batch)); err.Transient || !strings.Contains(err.Error(), "w=0") {
		t.Errorf("%+v", err)
	}
}

// If a validator or a unique index of the operator refuses single notifications, the
// others are stored.
func TestRefusedNotifications(t *testing.T) {
	url := testenv.MongoDB(t)
	db := bare(t, url)
	validator := bson.D{{Key: "service", Value: bson.D{{Key: "$ne", Value: "refused"}}}}
	if err := db.CreateCollection(t.Context(), "profiler", options.CreateCollection().SetValidator(validator)); err != nil {
		t.Fatal(err)
	}
	s := open(t, url)
	batch := []osprofiler.Notification{notification("a-start", `{"host": "h"}`), notification("b-start", `{"host": "h"}`), notification("c-start", `{"host": "h"}`)}
	batch[1].Service = "refused"
	err := writeError(t, s.Write(t.Context(), batch))
	if fmt.Sprint(err.Missing, err.Refused, err.Transient) != "[1] [1] false" || !strings.Contains(err.Error(), batch[1].TraceID) {
		t.Errorf("%+v", err)
	}
	if got := len(documents(t, db.Collection("profiler"))); got != 2 {
		t.Errorf("%d documents, want 2", got)
	}
}

func TestUniqueIndex(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		profiler := bare(t, url).Collection("profiler")
		if _, err := profiler.Indexes().CreateOne(t.Context(), gomongo.IndexModel{Keys: bson.D{{Key: "trace_id", Value: 1}}, Options: options.Index().SetUnique(true)}); err != nil {
			t.Fatal(err)
		}
		s := open(t, url)
		batch := []osprofiler.Notification{notification("a-start", `{"host": "h"}`), notification("b-start", `{"host": "h"}`), notification("c-start", `{"host": "h"}`)}
		batch[1].TraceID = batch[0].TraceID
		for range 2 { // the second time, the others are duplicates of themselves
			err := writeError(t, s.Write(t.Context(), batch))
			if fmt.Sprint(err.Missing, err.Refused, err.Transient) != "[1] [1] false" {
				t.Errorf("%+v", err)
			}
		}
		if got := len(documents(t, profiler)); got != 2 {
			t.Errorf("%d documents, want 2", got)
		}
	})
}

// Notifications that are too large for a document are read back unchanged, and so are the
// notifications that are written with them.
func TestLargeNotifications(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		s := open(t, url)
		small := notification("a-start", `{"host": "h"}`)
		batch := []osprofiler.Notification{small}
		for _, size := range []int{7 << 20, 9 << 20, 17 << 20} {
			n := notification("b-stop", `{"etype": "E", "text": "`+strings.Repeat("x", size)+`", "a.b": 1, "host": "h"}`)
			n.BaseID = small.BaseID
			batch = append(batch, n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		for range 2 {
			if err := s.Write(ctx, batch); err != nil {
				t.Fatal(err)
			}
		}
		back := readBack(t, s, small.BaseID)
		if len(back) != len(batch) {
			t.Fatalf("%d notifications came back, want %d", len(back), len(batch))
		}
		for i := range batch {
			if !back[i].Equal(batch[i]) {
				t.Errorf("notification %d came back with %d bytes, not %d", i, len(back[i].Info), len(batch[i].Info))
			}
		}
		if got := len(documents(t, bare(t, url).Collection("profiler_osp_chunks"))); got == 0 {
			t.Error("there are no chunks")
		}
	})
}

// With a time to live, the server deletes older notifications. If a server cannot, Ping
// returns an error, and Write works all the same.
func TestTTL(t *testing.T) {
	server := testenv.StartMongoDB(t)
	url := with(server.MongoDB(), "db_name=osprofiler&filter_error_trace=true")
	s := open(t, with(url, "osp_ttl=1"))
	n := notification("a-stop", `{"etype": "E", "host": "h"}`)
	write(t, s, n)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := bare(t, url)
	deadline := time.Now().Add(time.Minute)
	for len(documents(t, db.Collection("profiler")))+len(documents(t, db.Collection("profiler_error"))) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("nothing was deleted")
		}
		time.Sleep(200 * time.Millisecond)
	}
	other := open(t, with(testenv.FerretDB(t), "osp_ttl=720h"))
	for range 2 {
		if err := other.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot delete what is older than osp_ttl=720h0m0s, which needs a TTL index on osp_written") {
			t.Error(err)
		}
	}
	write(t, other, n)
	if back := readBack(t, other, n.BaseID); len(back) != 1 || !back[0].Equal(n) || back[0].Info != n.Info {
		t.Errorf("%v", back)
	}
}

// Notifications that are older than a time can be deleted by _id, with their chunks.
func TestDeleteByID(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		s := open(t, url)
		old, young := notification("a-start", `{"a": "`+strings.Repeat("x", 17<<20)+`"}`), notification("b-start", `{"host": "h"}`)
		young.Timestamp = "2024-06-06T07:08:09.000010"
		write(t, s, old, young)
		db := bare(t, url)
		limit := bson.NewObjectIDFromTimestamp(time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC))
		for collection, key := range map[string]string{"profiler": "_id", "profiler_osp_chunks": "_id.doc"} {
			if _, err := db.Collection(collection).DeleteMany(t.Context(), bson.D{{Key: key, Value: bson.D{{Key: "$lt", Value: limit}}}}); err != nil {
				t.Fatal(err)
			}
		}
		if left := len(documents(t, db.Collection("profiler"))); left != 1 {
			t.Errorf("%d documents are left, want 1", left)
		}
		if left := len(documents(t, db.Collection("profiler_osp_chunks"))); left != 0 {
			t.Errorf("%d chunks are left", left)
		}
	})
}
