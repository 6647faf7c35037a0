package messaging_test

import (
	"context"
	"fmt"
	"log"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Opening does not connect, so that a service starts while its message bus is down.
func ExampleOpen() {
	s, err := messaging.Open("messaging://",
		messaging.WithTransportURL("rabbit://osp:secret@10.0.0.5:5672,osp:secret@10.0.0.6:5672/"),
		messaging.WithTopics("profiler"),
		messaging.WithContext(map[string]string{"request_id": "req-1"}))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Name())
	can := s.Capabilities()
	fmt.Println("write:", can.Write, "read:", can.Read, "consume:", can.Consume, "delete:", can.Delete)
	// Output:
	// RabbitMQ at 10.0.0.5:5672, 10.0.0.6:5672
	// write: true read: true consume: true delete: false
}

// A transport URL of oslo.messaging is also a connection string.
func Example() {
	s, err := store.Open(context.Background(), "kafka://10.0.0.7/?consumer_group=traces&osp_peek=50000")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Name())
	// Output: Kafka at 10.0.0.7:9092
}
