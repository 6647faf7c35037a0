package messaging_test

import (
	"maps"
	"slices"
	"testing"

	_ "github.com/osprofiler-otel/osprofiler/exporter/messaging"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// onQuorum are the rules that depend on the kind of queue. The other rules run on a quorum
// queue with testenv.Soak.
var onQuorum = []string{
	"real-trace", "order", "once", "same-batch-twice", "big-payload", "list-many", "peek", "consume", "consume-given-back",
	"consume-left-early", "consume-cancelled", "consume-closed", "concurrency", "two-openers", "cancelled-reading", "reopened",
}

func TestStoreOnRabbitMQ(t *testing.T) {
	t.Run("classic", func(t *testing.T) {
		t.Parallel()
		runOnRabbitMQ(t, "", notOnABus)
	})
	t.Run("quorum", func(t *testing.T) {
		t.Parallel()
		without := maps.Clone(notOnABus)
		for _, rule := range storetest.Rules() {
			if without[rule.Name] == "" && !slices.Contains(onQuorum, rule.Name) && !testenv.Soak() {
				without[rule.Name] = "it runs on a classic queue, and here with testenv.Soak"
			}
		}
		runOnRabbitMQ(t, "&rabbit_quorum_queue=yes&rabbit_quorum_delivery_limit=-1", without)
	})
}

func runOnRabbitMQ(t *testing.T, options string, optOut map[string]string) {
	storetest.Run(t, storetest.Harness{
		Place:       func(t testing.TB) string { return testenv.RabbitMQ(t) + "?osp_timeout=60&idle_timeout=0.2" + options },
		OptOut:      optOut,
		Unreachable: func(testing.TB) string { return "rabbit://guest:guest@127.0.0.1:1/" },
	})
}
