package mongo_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/mongo"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// servers are the variables with the connection strings of servers.
var servers = []string{"OSP_TEST_MONGODB_URL", "OSP_TEST_FERRETDB_URL"}

// onEachServer runs a test with a new database of each server.
func onEachServer(t *testing.T, test func(t *testing.T, p place)) {
	for _, variable := range servers {
		name, _, _ := strings.Cut(strings.TrimPrefix(variable, "OSP_TEST_"), "_URL")
		t.Run(name, func(t *testing.T) {
			url := os.Getenv(variable)
			if url == "" {
				t.Skip(variable + " is not set")
			}
			test(t, newPlace(t, url))
		})
	}
}

// A place is a database of its own, which is dropped at the end of the test.
type place struct {
	url    string // the server
	client *gomongo.Client
	db     *gomongo.Database
}

func newPlace(t *testing.T, url string) place {
	t.Helper()
	client, err := gomongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	p := place{url, client, client.Database("osp" + strings.ReplaceAll(osprofiler.NewID(), "-", "")[:16])}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := p.db.Drop(ctx); err != nil {
			t.Log("the database is left behind:", err)
		}
		_ = client.Disconnect(ctx)
	})
	return p
}

// connectionString returns the connection string of the database.
func (p *place) connectionString(more string) string {
	separator := "?"
	if strings.Contains(p.url, "?") {
		separator = "&"
	}
	return p.url + separator + "db_name=" + p.db.Name() + more
}

// documents returns all documents of a collection.
func (p *place) documents(t *testing.T, collection string) (all []bson.Raw) {
	t.Helper()
	found, err := p.db.Collection(collection).Find(t.Context(), bson.D{})
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

func TestWriteSmoke(t *testing.T) {
	onEachServer(t, func(t *testing.T, p place) {
		s, err := mongo.Open(p.connectionString("&filter_error_trace=true"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		batch := []osprofiler.Notification{notification("a-start", `{"host": "h"}`), notification("a-stop", `{"etype": "E", "host": "h"}`), notification("b", `{"a.b": [[1]]}`)}
		for range 2 {
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []string{"profiler", "profiler_error"} {
			for _, d := range p.documents(t, c) {
				t.Log(d)
			}
		}
		v, _ := driver.As[driver.Versioner](s.Driver())
		version, err := v.Version(t.Context())
		t.Log(version, err, s.Ping(t.Context()))
	})
}
