package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const benchBatch = 500

// benchMessages returns messages of about 800 bytes, as notifications have.
func benchMessages() []bus.Outgoing {
	messages := make([]bus.Outgoing, benchBatch)
	for i := range messages {
		messages[i] = bus.Outgoing{Key: fmt.Sprint("k", i%10), Body: fmt.Appendf(nil, `{"n": %d, "text": "%0790d"}`, i, i)}
	}
	return messages
}

// BenchmarkPublish publishes 500 messages, all of which are confirmed.
func BenchmarkPublish(b *testing.B) {
	bus := open(b, testenv.Kafka(b))
	messages := benchMessages()
	batch := make([]osprofiler.Notification, len(messages))
	mustPublish(b, bus, messages...)
	for b.Loop() {
		out := outcome.Of(batch)
		if bus.Publish(b.Context(), messages, out); out.Err() != nil {
			b.Fatal(out.Err())
		}
	}
	perSecond(b)
}

// BenchmarkPublishBare is BenchmarkPublish with the client library alone.
func BenchmarkPublishBare(b *testing.B) {
	bus := open(b, testenv.Kafka(b))
	messages := benchMessages()
	mustPublish(b, bus, messages...)
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses(&bus.config)...), kgo.DefaultProduceTopic(bus.topic()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for b.Loop() {
		records := make([]*kgo.Record, len(messages))
		for i := range messages {
			records[i] = &kgo.Record{Key: []byte(messages[i].Key), Value: messages[i].Body}
		}
		if err := client.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b)
}

// BenchmarkPeek looks at 10,000 messages.
func BenchmarkPeek(b *testing.B) {
	bus := open(b, testenv.Kafka(b))
	for range 20 {
		mustPublish(b, bus, benchMessages()...)
	}
	for b.Loop() {
		if got, _ := peeked(b, bus, 10_000); len(got) != 20*benchBatch {
			b.Fatal(len(got))
		}
	}
	b.ReportMetric(20*benchBatch*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkConsume receives and acknowledges 500 messages.
func BenchmarkConsume(b *testing.B) {
	bus := open(b, testenv.Kafka(b))
	messages := benchMessages()
	c := consumer(b, bus)
	for b.Loop() {
		b.StopTimer()
		mustPublish(b, bus, messages...)
		b.StartTimer()
		got := receive(b, c, time.Minute, benchBatch)
		acknowledge(b, c, got[benchBatch-1].Number)
	}
	perSecond(b)
}

func perSecond(b *testing.B) {
	b.ReportMetric(benchBatch*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
