package mongo_test

import (
	"context"
	"testing"
	"time"

	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// TestStore runs the suite on each server. There is no opt-out.
func TestStore(t *testing.T) {
	onEachServer(t, func(t *testing.T, p place) {
		storetest.Run(t, storetest.Harness{
			Place:       func(t testing.TB) string { return quietPlace(t, p.url) },
			Unreachable: func(testing.TB) string { return "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500" },
		})
	})
}

// quietPlace returns the connection string of a database of its own. No client
// is open meanwhile, because some rules count goroutines.
func quietPlace(t testing.TB, url string) string {
	t.Helper()
	p := place{url: url}
	client, err := gomongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	p.db = client.Database("osp_" + osprofiler.NewID()[:13])
	_ = client.Disconnect(t.Context())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		client, err := gomongo.Connect(options.Client().ApplyURI(url))
		if err == nil {
			err = client.Database(p.db.Name()).Drop(ctx)
			_ = client.Disconnect(ctx)
		}
		if err != nil {
			t.Log("the database is left behind:", err)
		}
	})
	return p.connectionString("")
}
