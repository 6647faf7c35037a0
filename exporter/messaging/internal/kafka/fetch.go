package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A fetcher reads a span of a partition from its leader. It does not use the library's
// consumer, because that consumer does not report the end of a span whose last offsets hold
// the end of a transaction instead of a message.
type fetcher struct {
	b      *cluster
	client *kgo.Client
	*span
	leader int32
	known  bool // leader is known
}

var errStuck = errors.New("it answers without the messages that it said to have")

// fetch returns the next messages of the span and the offset after them. It is called while
// the span is not at its end. It waits for a new leader.
func (f *fetcher) fetch(ctx context.Context) ([]*kgo.Record, int64, error) {
	deadline := time.Now().Add(f.b.config.Timeout)
	for {
		records, next, err := f.try(ctx)
		if err == nil && next > f.start {
			return records, next, nil
		}
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			return nil, f.end, nil // the topic was deleted in the meantime
		}
		if err == nil {
			err = errStuck
		}
		if ctx.Err() != nil || !f.b.classOf(err).IsTransient() || time.Now().After(deadline) {
			return nil, 0, err
		}
		f.known = false
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// try asks the leader once.
func (f *fetcher) try(ctx context.Context) ([]*kgo.Record, int64, error) {
	if err := f.findLeader(ctx); err != nil {
		return nil, 0, err
	}
	response, err := f.client.Broker(int(f.leader)).Request(ctx, f.request())
	if err != nil {
		return nil, 0, err
	}
	fetched := response.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(fetched.ErrorCode); err != nil {
		return nil, 0, err
	}
	if len(fetched.Topics) != 1 || len(fetched.Topics[0].Partitions) != 1 {
		return nil, f.start, nil
	}
	answer := &fetched.Topics[0].Partitions[0]
	if answer.ErrorCode == kerr.OffsetOutOfRange.Code {
		next, err := f.first(ctx)
		return nil, next, err
	}
	return f.read(answer)
}

// first returns the first offset of the span that the partition still has. Earlier offsets
// were deleted in the meantime, by the topic's retention.
func (f *fetcher) first(ctx context.Context) (int64, error) {
	starts, err := offsetsAt(ctx, f.client, []span{*f.span}, earliest)
	if err != nil {
		return 0, err
	}
	if start := starts[f.place]; start > f.start {
		return start, nil
	}
	return f.end, nil // a new leader has truncated the partition
}

// read reads the messages of an answer.
func (f *fetcher) read(answer *kmsg.FetchResponseTopicPartition) ([]*kgo.Record, int64, error) {
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return nil, 0, &topicError{f.topic, err}
	}
	partition, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: f.start, IsolationLevel: kgo.ReadCommitted(), Topic: f.topic, Partition: f.partition,
	}, answer, kgo.DefaultDecompressor(), nil)
	if partition.Err != nil && len(partition.Records) == 0 {
		return nil, 0, &topicError{f.topic, partition.Err}
	}
	return partition.Records, next, nil
}

func (f *fetcher) request() *kmsg.FetchRequest {
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis = 500
	request.MinBytes = 1
	request.MaxBytes = max(f.b.partitionBytes, 1<<20)
	request.IsolationLevel = 1 // read committed
	request.SessionEpoch = -1  // no session
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = f.topic, f.id
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.Partition = f.partition
	partition.FetchOffset = f.start
	partition.PartitionMaxBytes = f.b.partitionBytes
	topic.Partitions = append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)
	return request
}

// findLeader asks for the leader of the partition, unless it is known.
func (f *fetcher) findLeader(ctx context.Context) error {
	if f.known {
		return nil
	}
	topics, err := describe(ctx, f.client, false, f.topic)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(topics[0].ErrorCode); err != nil {
		return &topicError{f.topic, err}
	}
	for _, partition := range topics[0].Partitions {
		if partition.Partition != f.partition {
			continue
		}
		if partition.Leader < 0 {
			break
		}
		f.leader, f.id, f.known = partition.Leader, topics[0].TopicID, true
		return nil
	}
	return &topicError{f.topic, kerr.LeaderNotAvailable}
}
