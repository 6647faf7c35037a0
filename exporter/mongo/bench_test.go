package mongo_test

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// databaseCalls returns notifications like those of database calls.
func databaseCalls(baseID string, count int) []osprofiler.Notification {
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

// BenchmarkWrite writes a batch, and inserts the same documents with a bare client,
// which has them already, into a collection with the same indexes. The two take turns.
// The ratio is the ratio of their speeds.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{64, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			url := testenv.MongoDB(b)
			journal := true
			concern := &writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}
			s, theirs := open(b, url), bare(b, url).Collection("theirs", options.Collection().SetWriteConcern(concern))
			indexes := []gomongo.IndexModel{{Keys: bson.D{{Key: "base_id", Value: 1}}}, {Keys: bson.D{{Key: "timestamp", Value: 1}}}}
			if _, err := theirs.Indexes().CreateMany(b.Context(), indexes); err != nil {
				b.Fatal(err)
			}
			var ourTime, theirTime time.Duration
			b.ReportAllocs()
			for b.Loop() {
				batch := databaseCalls(osprofiler.NewID(), size)
				documents := make([]any, len(batch))
				for i, n := range batch {
					documents[i] = bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "name", Value: n.Name}, {Key: "base_id", Value: n.BaseID},
						{Key: "trace_id", Value: n.TraceID}, {Key: "parent_id", Value: n.ParentID}, {Key: "timestamp", Value: n.Timestamp},
						{Key: "info", Value: bson.D{{Key: "db", Value: bson.D{{Key: "statement", Value: "SELECT instances.id FROM instances WHERE instances.deleted = %s"}, {Key: "params", Value: bson.A{0}}}}, {Key: "host", Value: "compute-1"}}},
						{Key: "project", Value: n.Project}, {Key: "service", Value: n.Service}}
				}
				began := time.Now()
				write(b, s, batch...)
				ourTime += time.Since(began)
				began = time.Now()
				if _, err := theirs.InsertMany(b.Context(), documents, options.InsertMany().SetOrdered(false)); err != nil {
					b.Fatal(err)
				}
				theirTime += time.Since(began)
			}
			b.ReportMetric(float64(ourTime.Nanoseconds())/float64(b.N*size), "ns/notification")
			b.ReportMetric(float64(theirTime.Nanoseconds())/float64(b.N*size), "ns/bare-document")
			b.ReportMetric(float64(theirTime)/float64(ourTime), "speed/bare")
		})
	}
}
