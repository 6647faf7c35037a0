package rabbitmq_test

import (
	"slices"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A Consumption of an auto-delete queue keeps the messages in the queue, in order, when it
// ends. This is so whoever has declared the queue, and even if many messages were left.
func TestConsumeAutoDelete(t *testing.T) {
	for name, s := range map[string]rabbitmq.Settings{
		"same": {AutoDelete: true}, "without the option": {}, "durable": {DurableQueues: true}, "quorum": {QuorumQueue: true},
	} {
		t.Run(name, func(t *testing.T) {
			const others = 1200
			location := testenv.RabbitMQ(t)
			c := config(t, location)
			services := newBus(t, c, rabbitmq.Settings{AutoDelete: true})
			mustPublish(t, services, outgoing(0, others+20))
			b := consume(t, newBus(t, c, s))
			got := receive(t, b, others+10)
			wantTexts(t, "received", bodies(got), texts(0, others+10))
			for _, m := range got[:others] {
				b.Leave(m.Number)
			}
			acknowledge(t, b, got[others+4].Number)
			for m, err := range b.Receive(t.Context(), 200*time.Millisecond) { // the loop continues after them
				if got = append(got, m); err != nil {
					t.Fatal(err)
				}
			}
			wantTexts(t, "received", bodies(got), texts(0, others+20))
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			want := slices.Concat(texts(0, others), texts(others+5, 15))
			await(t, "all are given back", func() bool { return testenv.RabbitMQAPI(t, location).Queues()[topic].Ready == len(want) })
			wantTexts(t, "given back", inQueue(t, location, topic), want)
		})
	}
}
