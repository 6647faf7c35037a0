package mongo_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

var kinds = map[string]faults.Server{
	"MongoDB": {
		Start:   func(t testing.TB, d testenv.Disk) *testenv.Server { return testenv.StartMongoDBOn(t, d) },
		Prepare: makeIndexes,
		At:      shortly,
		Reading: patiently,
		Disk:    "512m",
		Spans:   1000,
	},
	// It reads the whole collection for each trace.
	"FerretDB": {
		Start:   func(t testing.TB, d testenv.Disk) *testenv.Server { return testenv.StartFerretDBOn(t, d) },
		At:      shortly,
		Reading: patiently,
		Disk:    "256m",
		Spans:   800,
		Short:   true,
	},
}

// makeIndexes lets the store create its indexes. SecantusDB makes an index visible before
// all documents are in the index. If SecantusDB is killed in between, the index stays
// incomplete, and does not find the other documents.
func makeIndexes(t testing.TB, s *testenv.Server) {
	t.Helper()
	first := osprofiler.Notification{Name: "a-start", BaseID: osprofiler.NewID(), TraceID: osprofiler.NewID(), Info: "{}"}
	if err := open(t, patiently(s, s.Addr())).Write(t.Context(), []osprofiler.Notification{first}); err != nil {
		t.Fatal(err)
	}
}

// shortly returns a connection string with short timeouts.
func shortly(_ *testenv.Server, addr string) string {
	return "mongodb://" + addr + "/?directConnection=true&socketTimeoutMS=2000&serverSelectionTimeoutMS=2000&heartbeatFrequencyMS=500"
}

// patiently returns a connection string with long timeouts for reading, which takes these
// servers long.
func patiently(_ *testenv.Server, addr string) string {
	return "mongodb://" + addr + "/?directConnection=true&socketTimeoutMS=60000"
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind.Test(t)
		})
	}
}

// A server that accepts no writes for three seconds: it is no longer the primary, or
// it shuts down. The client library repeats an insert until socketTimeoutMS is over.
func TestPassingStates(t *testing.T) {
	for name, code := range map[string]int{"not primary": 10107, "step down": 189, "shutdown in progress": 91} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.StartMongoDB(t, "--enable-test-commands")
			at := shortly(server, server.Addr())
			failPoint := func(mode any, data bson.D) {
				command := bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: mode}, {Key: "data", Value: data}}
				if err := bare(t, at+"&db_name=admin").RunCommand(t.Context(), command).Err(); err != nil {
					t.Fatal(err)
				}
			}
			faults.Passing{
				Store:  open(t, at),
				Direct: func() *store.Store { return open(t, patiently(server, server.Addr())) },
				Enter: func(*testing.T) {
					failPoint("alwaysOn", bson.D{{Key: "failCommands", Value: bson.A{"insert"}}, {Key: "errorCode", Value: code}})
				},
				Leave: func(*testing.T) { failPoint("off", nil) },
			}.Test(t)
		})
	}
}
