package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Reading one trace of three leaves all three to a Python service, in order.
func TestReadingLeavesTheQueueFull(t *testing.T) {
	t.Parallel()
	three := busTraces(t, 3)
	mixed := interleaved(three)
	eachScript(t, busScript, func(t *testing.T, ask asker) {
		at := testenv.RabbitMQ(t)
		ask(t, nil, listOf([]trace{mixed}), "write", at)
		view := testenv.RabbitMQAPI(t, at)
		before := view.Messages(queue)
		if len(before) != len(mixed.notifications) {
			t.Fatalf("Python wrote %d messages, want %d", len(before), len(mixed.notifications))
		}
		readsAll(t, at, three)
		sameNotifications(t, openStore(t, at, store.WithReadOnly()), three[1:2])
		sameMessages(t, view, before)
		pythonTakes(t, ask, at, mixed.notifications)
	})
}

// Our writer and our reader can use queues and exchanges that another service has declared
// with other options, and do not change them.
func TestOtherDeclarations(t *testing.T) {
	t.Parallel()
	four := busTraces(t, 4)
	for _, options := range []string{
		"amqp_durable_queues=true", "amqp_auto_delete=true", "amqp_durable_queues=true&amqp_auto_delete=true",
		"rabbit_ha_queues=true", "rabbit_quorum_queue=true", "rabbit_transient_queues_ttl=600",
	} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			eachScript(t, busScript, func(t *testing.T, ask asker) {
				place := testenv.RabbitMQ(t)
				at, theirs, view := with(place, unlimited), with(place, options), testenv.RabbitMQAPI(t, place)
				ask(t, nil, listOf(four[:1]), "write", theirs)
				declared := view.Queues()[queue]
				writeTraces(t, at, four[1:2]) // with options that do not fit
				readsAll(t, at, four[:2])
				writeTraces(t, theirs, four[2:3]) // with the same options
				readsAll(t, with(theirs, unlimited), four[:3])
				ask(t, nil, listOf(four[3:]), "write", theirs)
				readsAll(t, at, four)
				if got := view.Queues()[queue]; fmt.Sprint(got.Durable, got.AutoDelete, got.Arguments) != fmt.Sprint(declared.Durable, declared.AutoDelete, declared.Arguments) {
					t.Errorf("the queue was %+v, and is %+v now", declared, got)
				}
				pythonTakes(t, ask, theirs, inOrder(four))
			})
		})
	}
}

// A Python service accepts the queues and exchanges that our code declares with the options
// of oslo.messaging.
func TestPythonAcceptsOurDeclarations(t *testing.T) {
	t.Parallel()
	two := busTraces(t, 2)
	for _, options := range []string{
		"", "amqp_durable_queues=true", "amqp_auto_delete=true", "rabbit_ha_queues=true", "rabbit_quorum_queue=true",
	} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			eachScript(t, busScript, func(t *testing.T, ask asker) {
				at := with(testenv.RabbitMQ(t), options)
				writeTraces(t, at, two[:1])
				ask(t, nil, listOf(two[1:]), "write", at)
				readsAll(t, with(at, unlimited), two)
				pythonTakes(t, ask, at, inOrder(two))
			})
		})
	}
}

// unlimited is the option with which a message in a quorum queue may be read and put back
// any number of times, which is the default of RabbitMQ 3.
const unlimited = "rabbit_quorum_delivery_limit=-1"

// Two services with control exchanges of their own share one queue, and our reader
// finds the traces of both services.
func TestControlExchanges(t *testing.T) {
	t.Parallel()
	three := busTraces(t, 3)
	eachScript(t, busScript, func(t *testing.T, ask asker) {
		at := testenv.RabbitMQ(t)
		ask(t, nil, listOf(three[:1]), "write", at, "nova")
		writeTraces(t, with(at, "control_exchange=neutron"), three[1:2])
		ask(t, nil, listOf(three[2:]), "write", at)
		readsAll(t, at, three)
		readsAll(t, with(at, "control_exchange=cinder"), three)
		pythonTakes(t, ask, at, inOrder(three))
	})
}

// foreign returns messages that do not come from OSProfiler, for the queue of profilers.
func foreign(t *testing.T, n osprofiler.Notification) []testenv.RabbitMQMessage {
	t.Helper()
	plain := testenv.RabbitMQProperties{ContentType: "application/json", ContentEncoding: "utf-8", DeliveryMode: 2}
	none := testenv.RabbitMQProperties{DeliveryMode: 1, Headers: map[string]any{"x-own": "header"}}
	envelope := func(inner string) []byte {
		text, err := json.Marshal(map[string]string{"oslo.version": "2.0", "oslo.message": inner})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return []testenv.RabbitMQMessage{
		{Body: []byte(`{"event_type": "compute.instance.create.end", "priority": "INFO", "payload": {"instance_id": "5f0b"}}`), Properties: plain},
		{Body: []byte("<event/>"), Properties: plain},
		{Body: []byte{0xff, 0, 0x80}, Properties: plain},
		{Body: []byte{}, Properties: plain},
		{Body: []byte("[1, 2]"), Properties: plain},
		{Body: bodyOf(t, n, nil), Properties: none}, // without content type
		{Body: bodyOf(t, n, map[string]any{"priority": "ERROR"}), Properties: plain},
		{Body: bodyOf(t, n, map[string]any{"payload": "no object"}), Properties: plain},
		{Body: bodyOf(t, n, map[string]any{"payload": nil}), Properties: plain},
		{Body: envelope("{broken"), Properties: plain},
		{Body: envelope("{}"), Properties: plain},
	}
}

// Messages that do not come from OSProfiler stay in the queue, in their order, when our
// reader reads and when our relay consumes. Each of them is reported once.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	two := busTraces(t, 2)
	at := testenv.RabbitMQ(t)
	view := testenv.RabbitMQAPI(t, at)
	writeTraces(t, at, two[:1])
	publish := func(messages []testenv.RabbitMQMessage) {
		for _, m := range messages {
			if !view.Publish("", queue, m.Body, m.Properties) {
				t.Fatal("the queue does not get the messages")
			}
		}
	}
	others := foreign(t, two[0].notifications[0])
	publish(others[:5])
	writeTraces(t, at, two[1:])
	publish(others[5:])
	before := view.Messages(queue)

	var reports []string
	for _, err := range openStore(t, at, store.WithReadOnly()).Traces(t.Context(), store.Query{}) {
		if err != nil {
			reports = append(reports, err.Error())
		}
	}
	if len(reports) != 1 || !strings.Contains(reports[0], fmt.Sprint(len(others))) {
		t.Errorf("the listing reported %q, want one report about %d messages", reports, len(others))
	}
	sameMessages(t, view, before)

	left := slices.DeleteFunc(slices.Clone(before), func(m testenv.RabbitMQMessage) bool { return !isForeign(m, others) })
	for i, want := range [][]trace{two, nil} { // the second time, nothing else is there
		file, warnings := consume(t, at)
		slices.Sort(warnings)
		if kinds := slices.Compact(slices.Clone(warnings)); len(kinds) != len(warnings) || len(kinds) != foreignKinds {
			t.Errorf("relay %d reported %d messages, want each of %d kinds once:\n%s", i, len(warnings), foreignKinds, strings.Join(warnings, "\n"))
		}
		if want != nil {
			readsAll(t, file, want)
		}
		sameMessages(t, view, left)
	}
}

// foreignKinds is the number of different reasons for which the messages of foreign are not
// OSProfiler's.
const foreignKinds = 7

func isForeign(m testenv.RabbitMQMessage, others []testenv.RabbitMQMessage) bool {
	for _, o := range others {
		if bytes.Equal(o.Body, m.Body) {
			return true
		}
	}
	return false
}

// inOrder returns the notifications of all traces, one trace after another.
func inOrder(all []trace) (notifications []osprofiler.Notification) {
	for _, tr := range all {
		notifications = append(notifications, tr.notifications...)
	}
	return notifications
}
