package relay_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
	"github.com/osprofiler-otel/osprofiler/store"

	_ "github.com/osprofiler-otel/osprofiler/exporter/otlp"
)

// One relay receives OTLP and follows a store. It writes to a store and, by OTLP, to another
// relay.
func TestARelayBetweenStoresAndOTLP(t *testing.T) {
	dir := t.TempDir()
	from := openStore(t, "file://"+filepath.Join(dir, "from.jsonl"))
	near := openStore(t, "sqlite:///"+filepath.Join(dir, "near.db"))
	far := openStore(t, "sqlite:///"+filepath.Join(dir, "far.db"))
	receive := func() (*otlpreceiver.Receiver, string) {
		r, err := otlpreceiver.Open("otlp+grpc://127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r, "otlp+grpc://" + r.Addr().String()
	}
	farReceiver, farAddress := receive()
	nearReceiver, nearAddress := receive()
	send := func(address string) sdktrace.SpanExporter {
		e, err := exporter.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Shutdown(context.Background()) })
		return e
	}
	second := relay.NewFollower([]relay.Source{farReceiver}, []relay.Target{relay.ToStore(far)})
	stopSecond := following(t, second)
	target := relay.ToExporter(send(farAddress), relay.WithTargetName(farAddress))
	t.Cleanup(func() { target.Close() })
	first := relay.NewFollower([]relay.Source{relay.FromFeed(from, "", nil), nearReceiver},
		[]relay.Target{relay.ToStore(near), target}, relay.WithPollInterval(10*time.Millisecond))
	stopFirst := following(t, first)

	write(t, from, operations(1, 20)...)
	client := relay.ToExporter(send(nearAddress))
	t.Cleanup(func() { client.Close() })
	if err := client.Write(t.Context(), operations(2, 20)); err != nil { // it returns when the targets have it
		t.Fatal(err)
	}
	for trace := 1; trace <= 2; trace++ {
		for _, s := range []*store.Store{near, far} {
			eventually(t, "the store has the trace", func() bool { return traceLength(t, s, trace) == 40 })
			if twice := compareTraces(t, s, trace, 1, 20, equalNotifications); twice > 0 {
				t.Errorf("%s has %d notifications twice", s.Name(), twice)
			}
		}
	}
	for _, stop := range []func() error{stopFirst, stopSecond} {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

func traceLength(t testing.TB, s *store.Store, trace int) (n int) {
	t.Helper()
	for _, err := range s.Notifications(t.Context(), operations(trace, 1)[0].BaseID) {
		if err == nil {
			n++
		}
	}
	return n
}

// A store that was recreated does not know the cursor in the state directory.
func TestAStoreThatWasMadeAnewIsReadFromItsBeginning(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "from.db")
	state, err := relay.OpenState(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	to := &listTarget{}
	var warned []string
	run := func(wanted int) {
		s, err := store.Open(t.Context(), "sqlite:///"+path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		write(t, s, operations(wanted, 10)...)
		f := relay.NewFollower([]relay.Source{relay.FromFeed(s, "", nil)}, []relay.Target{to}, relay.WithState(state),
			relay.WithPollInterval(10*time.Millisecond), relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
		stop := following(t, f)
		eventually(t, "the target has it", func() bool { return to.count() == wanted*20 })
		eventually(t, "it is acknowledged", func() bool { return f.Stats().Sources[0].Unacknowledged == 0 })
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	run(1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	run(2)
	if len(warned) != 1 || !strings.Contains(warned[0], "it is read from its beginning now") {
		t.Errorf("the warnings are %q", warned)
	}
}

// A message of OSProfiler that cannot be read leaves RabbitMQ when the file of dead
// letters has it. A message of another program stays.
func TestDeadLettersOfRabbitMQ(t *testing.T) {
	url := testenv.RabbitMQ(t)
	bus := openStore(t, url)
	all := operations(1, 2)
	write(t, bus, all...)
	publish(t, url, `{"event_type": "profiler.nova", "priority": "INFO", "payload": "no object"}`)
	publish(t, url, `{"event_type": "compute.instance.create", "priority": "INFO", "payload": {}}`)
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	letters, err := relay.OpenDeadLetters(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer letters.Close()
	to := &listTarget{}
	source := relay.FromConsumer(bus)
	f := relay.NewFollower([]relay.Source{source}, []relay.Target{to}, relay.WithDeadLetters(letters))
	stop := following(t, f)
	eventually(t, "everything was read", func() bool {
		s := f.Stats().Sources[0]
		return s.Read == 4 && s.DeadLetters == 1 && s.Foreign == 1 && s.Unacknowledged == 0
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
	content, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(content), "no object") || strings.Contains(string(content), "it stays") {
		t.Errorf("the dead letters are %q, %v", content, err)
	}
	view := testenv.RabbitMQAPI(t, url)
	eventually(t, "the foreign message lies there", func() bool { return view.Queues()["profiler.info"].Ready == 1 })
}

func publish(t *testing.T, url, body string) {
	t.Helper()
	address := strings.Replace(url, "rabbit://", "amqp://", 1)
	connection, err := amqp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	message := amqp.Publishing{ContentType: "application/json", Body: []byte(body)}
	if err := channel.PublishWithContext(t.Context(), "", "profiler.info", false, false, message); err != nil {
		t.Fatal(err)
	}
}
