package interop

import (
	_ "embed"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

//go:embed testdata/bus.py
var busScript string

// queue is the queue of profilers that use the defaults of oslo.messaging.
const queue = "profiler.info"

// busTraces returns the shortest real traces.
func busTraces(t *testing.T, count int) []trace {
	t.Helper()
	var few []trace
	for _, tr := range openstack(t) {
		if len(tr.notifications) < 200 && len(tr.notifications) > 1 {
			few = append(few, tr)
		}
	}
	if len(few) < count {
		t.Fatalf("there are only %d short traces", len(few))
	}
	return few[:count]
}

// interleaved returns one trace with all notifications, one of each trace in turn.
func interleaved(all []trace) (mixed trace) {
	for i, added := 0, true; added; i++ {
		added = false
		for _, tr := range all {
			if i < len(tr.notifications) {
				mixed.notifications, added = append(mixed.notifications, tr.notifications[i]), true
			}
		}
	}
	return mixed
}

func openStore(t *testing.T, at string, options ...store.Option) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), at, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// readsAll checks that our reader finds exactly the notifications of each trace.
func readsAll(t *testing.T, at string, all []trace) {
	t.Helper()
	s := openStore(t, at, store.WithReadOnly())
	for _, tr := range all {
		sameNotifications(t, s, []trace{tr})
	}
	listed := map[string]bool{}
	for trace, err := range s.Traces(t.Context(), store.Query{}) {
		var damage *store.DamageError
		if err != nil && !errors.As(err, &damage) {
			t.Fatal(err)
		}
		if err == nil {
			listed[trace.BaseID] = true
		}
	}
	for _, tr := range all {
		if !listed[tr.baseID] {
			t.Errorf("%s is not listed", tr.name)
		}
	}
	if len(listed) != len(all) {
		t.Errorf("%d traces are listed, want %d", len(listed), len(all))
	}
}

// pythonTakes checks that a Python service that listens gets exactly these
// notifications, in this order.
func pythonTakes(t *testing.T, ask asker, at string, want []osprofiler.Notification) {
	t.Helper()
	var text raw
	ask(t, &text, len(want), "take", at)
	got := elements(string(text))
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("Python got %d notifications, want %d; the first that is missing is %s", len(got), len(want), want[i].JSON())
		case i >= len(want):
			t.Fatalf("Python got %d notifications, want %d; the first that is more is %s", len(got), len(want), got[i])
		case !pyjson.Equal(got[i], want[i].JSON()):
			t.Fatalf("Python's notification %d is %s, want %s", i, got[i], want[i].JSON())
		}
	}
}

// sameMessages checks that a queue has the same messages as before, in the same order.
func sameMessages(t *testing.T, view *testenv.RabbitMQView, want []testenv.RabbitMQMessage) {
	t.Helper()
	// The server puts messages that were read back only after the client has gone.
	view.AwaitQueue(queue, func(q testenv.RabbitMQQueue) bool { return q.Ready == len(want) && q.Unacknowledged == 0 })
	got := view.Messages(queue)
	if len(got) != len(want) {
		t.Fatalf("the queue has %d messages, want %d", len(got), len(want))
	}
	for i := range want {
		got[i].Redelivered, want[i].Redelivered = false, false
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("message %d of the queue is\n%q %+v, want\n%q %+v", i, got[i].Body, got[i], want[i].Body, want[i])
		}
	}
}

// consume moves all notifications of a bus into a new file. It returns the connection
// string of the file and the warnings of the relay.
func consume(t *testing.T, at string) (file string, warnings []string) {
	t.Helper()
	file = "file://" + filepath.Join(t.TempDir(), "taken.jsonl")
	source := relay.FromConsumer(openStore(t, at))
	target := relay.ToStore(openStore(t, file))
	_, err := relay.Copy(t.Context(), source, []relay.Target{target},
		relay.WithWarning(func(err error) { warnings = append(warnings, err.Error()) }))
	if err = errors.Join(err, source.Close(), target.Close()); err != nil {
		t.Fatal(err)
	}
	return file, warnings
}

// bodyOf returns a body as Python writes it, with changes.
func bodyOf(t *testing.T, n osprofiler.Notification, changes map[string]any) []byte {
	t.Helper()
	body := map[string]any{
		"message_id": osprofiler.NewID(), "publisher_id": "h", "event_type": "profiler." + n.Service, "priority": "INFO",
		"payload": json.RawMessage(n.JSON()), "timestamp": "2026-11-22 07:14:18.819478", "_unique_id": strings.ReplaceAll(osprofiler.NewID(), "-", ""),
	}
	for name, value := range changes {
		body[name] = value
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func with(at, options string) string {
	if options == "" {
		return at
	}
	if strings.Contains(at, "?") {
		return at + "&" + options
	}
	return at + "?" + options
}
