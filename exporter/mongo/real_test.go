package mongo_test

import (
	"context"
	"errors"
	"flag"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/mongo"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if _, drop, err := testenv.NewMongoDB(); err == nil {
		_ = drop()
	} else if !testenv.Required() {
		_ = flag.Set("test.run", "^Test") // examples cannot be skipped
	}
	goleak.VerifyTestMain(m)
}

// servers return the connection string of a new database of each server.
var servers = []struct {
	name string
	new  func(testing.TB) string
}{{"MongoDB", testenv.MongoDB}, {"FerretDB", testenv.FerretDB}}

// onEachServer runs a test with a new database of each server.
func onEachServer(t *testing.T, test func(t *testing.T, url string)) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) { test(t, s.new(t)) })
	}
}

func TestStore(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			storetest.Run(t, storetest.Harness{Place: s.new, Unreachable: unreachable})
		})
	}
}

// unreachable names a server that does not exist.
func unreachable(t testing.TB) string {
	return "mongodb://" + testenv.ClosedPort(t) + "/?serverSelectionTimeoutMS=500"
}

// open opens a store that is closed when the test ends.
func open(t testing.TB, connectionString string, opts ...mongo.Option) *store.Store {
	t.Helper()
	s, err := mongo.Open(connectionString, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// bare is the database of a connection string with option db_name, and the client
// library alone.
func bare(t testing.TB, connectionString string) *gomongo.Database {
	t.Helper()
	server, database := split(connectionString)
	client, err := gomongo.Connect(options.Client().ApplyURI(server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client.Database(database)
}

// split takes option db_name out of a connection string.
func split(connectionString string) (server, database string) {
	u, err := url.Parse(connectionString)
	if err != nil {
		panic(err)
	}
	query := u.Query()
	database = query.Get("db_name")
	query.Del("db_name")
	u.RawQuery = query.Encode()
	return u.String(), database
}

// with adds options to a connection string.
func with(connectionString, more string) string {
	if strings.Contains(connectionString, "?") {
		return connectionString + "&" + more
	}
	return connectionString + "?" + more
}

// documents returns all documents of a collection.
func documents(t testing.TB, c *gomongo.Collection) (all []bson.Raw) {
	t.Helper()
	found, err := c.Find(t.Context(), bson.D{})
	if err == nil {
		err = found.All(t.Context(), &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func notification(name, info string) osprofiler.Notification {
	id := osprofiler.NewID()
	return osprofiler.Notification{
		Name: name, BaseID: id, TraceID: osprofiler.NewID(), ParentID: id, Timestamp: "2024-05-06T07:08:09.000010",
		Info: osprofiler.Info(info), Project: "nova", Service: "api",
	}
}

func write(t testing.TB, s *store.Store, batch ...osprofiler.Notification) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Write(ctx, batch); err != nil {
		t.Fatal(err)
	}
}

// readBack returns the notifications of one trace.
func readBack(t testing.TB, s *store.Store, baseID string) (all []osprofiler.Notification) {
	t.Helper()
	for n, err := range s.Notifications(t.Context(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func writeError(t testing.TB, err error) *store.WriteError {
	t.Helper()
	var e *store.WriteError
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v, which is no WriteError", err)
	}
	return e
}

// Documents have Python's shape: its keys in its order, and records of failures
// that are replaced. Writing again adds nothing.
func TestWrite(t *testing.T) {
	onEachServer(t, func(t *testing.T, url string) {
		s := open(t, with(url, "filter_error_trace=true"))
		start, stop := notification("a-start", `{"n": 1, "m": 3000000000, "f": 1.5, "l": ["x", null], "host": "h"}`), notification("a-stop", `{"etype": "E", "host": "h"}`)
		stop.BaseID = start.BaseID
		later := stop
		later.Timestamp = "2024-05-06T07:08:10.000000"
		for range 2 {
			write(t, s, start, stop)
		}
		write(t, s, later)
		db := bare(t, url)
		all := documents(t, db.Collection("profiler"))
		if len(all) != 3 {
			t.Fatalf("%d documents, want 3", len(all))
		}
		var keys []string
		elements, _ := all[0].Elements()
		for _, e := range elements {
			keys = append(keys, e.Key())
		}
		if got := strings.Join(keys, " "); got != "_id name base_id trace_id parent_id timestamp info project service" {
			t.Errorf("the keys are %s", got)
		}
		if got := all[0].Lookup("info").String(); got != `{"n": {"$numberInt":"1"},"m": {"$numberLong":"3000000000"},"f": {"$numberDouble":"1.5"},"l": ["x",null],"host": "h"}` {
			t.Errorf("the info is %s", got)
		}
		failures := documents(t, db.Collection("profiler_error"))
		if len(failures) != 1 || failures[0].Lookup("timestamp").StringValue() != later.Timestamp || failures[0].Lookup("base_id").StringValue() != stop.BaseID {
			t.Errorf("the records of failures are %v", failures)
		}
		indexes, err := db.Collection("profiler").Indexes().ListSpecifications(t.Context())
		if err != nil || len(indexes) != 3 {
			t.Errorf("%d indexes, want 3: %v", len(indexes), err)
		}
		v, _ := driver.As[driver.Versioner](s.Driver())
		if version, err := v.Version(t.Context()); err != nil || version == "" {
			t.Errorf("the version is %q: %v", version, err)
		}
	})
}

// newStore is the Store of a client that the test made.
func newStore(t testing.TB, client *gomongo.Client, opts ...mongo.Option) *store.Store {
	t.Helper()
	s := mongo.New(client, opts...)
	t.Cleanup(func() { _ = s.Close() })
	return s
}
