package interop

import (
	"fmt"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// On Kafka, our reader and our relay take no messages away from a consumer group of Python
// services. A new group of Python finds no messages, because it begins at the end of the
// topic.
func TestPythonGroupsOnKafka(t *testing.T) {
	t.Parallel()
	three := busTraces(t, 3)
	mixed := interleaved(three)
	eachScript(t, busScript, func(t *testing.T, ask asker) {
		at := testenv.StartKafka(t).Kafka()
		ask(t, nil, listOf([]trace{mixed}), "write", at)
		readsAll(t, at, three)
		file, warnings := consume(t, at)
		if len(warnings) != 0 {
			t.Errorf("the relay warns: %q", warnings)
		}
		readsAll(t, file, three)
		readsAll(t, at, three) // Kafka keeps the consumed messages

		const group = "oslo_messaging_consumer" // the default of oslo.messaging
		if committed := testenv.KafkaAPI(t, at).Committed(group, queue); len(committed) != 0 {
			t.Errorf("the group of Python has committed %v", committed)
		}
		var report raw
		ask(t, &report, three[0].baseID, "report", with(at, "consumer_group=new"), fmt.Sprint(idleTimeout))
		if children, _ := pyjson.Get(string(report), "children"); children != "[]" {
			t.Errorf("a new group of Python finds %s", children)
		}
		beginAtOldest(t, at, group)
		pythonTakes(t, ask, at, mixed.notifications[1:]) // Python drops the first one
	})
}
