package loginsight_test

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	noFeed   = "a feed could miss events: the server makes them visible later than others, and in no order that the API shows"
	noDelete = "the API cannot delete events"
)

// optOut names the rules that Log Insight cannot keep.
var optOut = map[string]string{
	"feed": noFeed, "feed-growing-traces": noFeed, "feed-left-early": noFeed, "feed-resumed": noFeed, "feed-foreign-cursor": noFeed,
	"feed-while-writing": noFeed, "feed-empty": noFeed, "feed-cancelled": noFeed,
	"delete": noDelete, "delete-many": noDelete, "delete-many-wrapped": noDelete, "deleted-while-followed": noDelete,
}

func TestStore(t *testing.T) {
	counted := loginsightserver.New(t) // for a rule that counts goroutines, of which a new server has some
	storetest.Run(t, storetest.Harness{
		Place: func(t testing.TB) string {
			if strings.HasSuffix(t.Name(), "/early-break") {
				return counted.URL()
			}
			return loginsightserver.New(t).URL()
		},
		Order:       slices.Reverse[[]osprofiler.Notification],
		OptOut:      optOut,
		Unreachable: func(testing.TB) string { return "loginsight://user:password@127.0.0.1?api_ssl_port=1" },
	})
}

// open opens a store that is closed when the test ends.
func open(t testing.TB, connectionString string, opts ...loginsight.Option) *store.Store {
	t.Helper()
	s, err := loginsight.Open(connectionString, opts...)
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
