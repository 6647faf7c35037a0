package relay_test

import (
	"context"
	"fmt"
	"log"

	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A message leaves the bus when the target has its notification. A service opens its bus by a
// connection string, such as rabbit://user:password@host:5672/.
func ExampleFromConsumer() {
	messages := &queue{waiting: notifications(3, 3)}
	bus, target := store.New(messages), store.New(&memory{indexed: true})
	defer func() { _, _ = bus.Close(), target.Close() }()

	source := relay.FromConsumer(bus)
	counts, err := relay.Copy(context.Background(), source, []relay.Target{relay.ToStore(target)})
	if err != nil {
		log.Fatal(err)
	}
	if err := source.Close(); err != nil { // unacknowledged messages return to the bus
		log.Fatal(err)
	}
	fmt.Println(counts.Targets[0].Written, "moved,", len(messages.waiting), "left")
	// Output: 3 moved, 0 left
}
