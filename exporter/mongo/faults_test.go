package mongo_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

var kinds = map[string]faults.Server{
	"MongoDB": {
		Start:   func(t testing.TB, d testenv.Disk) *testenv.Server { return testenv.StartMongoDBOn(t, d) },
		At:      shortly,
		Reading: patiently,
		Disk:    "512m",
		Spans:   4000,
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

// shortly returns a connection string with short times.
func shortly(_ *testenv.Server, addr string) string {
	return "mongodb://" + addr + "/?directConnection=true&socketTimeoutMS=2000&serverSelectionTimeoutMS=2000&heartbeatFrequencyMS=500"
}

// patiently returns a connection string for reading, which takes these servers long.
func patiently(_ *testenv.Server, addr string) string {
	return "mongodb://" + addr + "/?directConnection=true&socketTimeoutMS=60000"
}

func TestFaults(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, kind.Test)
	}
}
