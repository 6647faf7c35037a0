package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

type bareKafka struct {
	producer *kgo.Client
	options  []kgo.Opt
	topic    string
}

func openKafka(_ context.Context, location string) (bareBus, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	b := &bareKafka{topic: busQueue + "." + strings.Trim(u.Path, "/"), options: []kgo.Opt{kgo.SeedBrokers(u.Host)}}
	b.producer, err = kgo.NewClient(append(b.options, kgo.DefaultProduceTopic(b.topic), kgo.AllowAutoTopicCreation())...)
	return b, err
}

func (b *bareKafka) close() error {
	b.producer.Close()
	return nil
}

func (b *bareKafka) publish(ctx context.Context, bodies [][]byte) error {
	records := make([]*kgo.Record, len(bodies))
	for i, body := range bodies {
		records[i] = kgo.SliceRecord(body)
	}
	return b.producer.ProduceSync(ctx, records...).FirstErr()
}

// take joins a group for each call, as a new consumption does.
func (b *bareKafka) take(ctx context.Context, count int) (bodies [][]byte, err error) {
	consumer, err := kgo.NewClient(append(b.options, kgo.ConsumerGroup("bare"), kgo.ConsumeTopics(b.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())...)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	bodies = make([][]byte, 0, count)
	for len(bodies) < count {
		fetches := consumer.PollRecords(ctx, min(takenAtOnce, count-len(bodies)))
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		records := fetches.Records()
		for _, r := range records {
			bodies = append(bodies, r.Value)
		}
		if err := consumer.CommitRecords(ctx, records...); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}
