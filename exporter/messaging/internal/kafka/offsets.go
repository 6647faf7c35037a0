package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// A span is a part of a partition: the offsets from start on, before end.
type span struct {
	place
	id         [16]byte // of the topic
	start, end int64
}

// earliest and latest are Kafka's special times for the first offset and for the offset after
// the last message.
const earliest, latest = -2, -1

// offsetsAt returns, for each partition, the first offset whose message is not older than a
// time in milliseconds, or -1 if there is none. For latest, it returns the offset after the
// last message that is not part of an open transaction.
func offsetsAt(ctx context.Context, client *kgo.Client, spans []span, time int64) (map[place]int64, error) {
	request := kmsg.NewPtrListOffsetsRequest()
	request.IsolationLevel = 1 // read committed
	for _, s := range spans {
		last := len(request.Topics) - 1
		if last < 0 || request.Topics[last].Topic != s.topic {
			topic := kmsg.NewListOffsetsRequestTopic()
			topic.Topic = s.topic
			request.Topics = append(request.Topics, topic)
			last++
		}
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Partition, partition.Timestamp = s.partition, time
		request.Topics[last].Partitions = append(request.Topics[last].Partitions, partition)
	}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	offsets := make(map[place]int64, len(spans))
	for _, topic := range response.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return nil, &topicError{topic.Topic, err}
			}
			offsets[place{topic.Topic, partition.Partition}] = partition.Offset
		}
	}
	for _, s := range spans {
		if _, ok := offsets[s.place]; !ok {
			return nil, &topicError{s.topic, errors.New("the brokers tell no offsets")}
		}
	}
	return offsets, nil
}

// spansOf returns all partitions of the topics from their first to their last
// message.
func spansOf(ctx context.Context, client *kgo.Client, topics []kmsg.MetadataResponseTopic) ([]span, error) {
	var spans []span
	for _, topic := range topics {
		for number := range int32(len(topic.Partitions)) {
			spans = append(spans, span{place: place{*topic.Topic, number}, id: topic.TopicID})
		}
	}
	if len(spans) == 0 {
		return nil, nil
	}
	ends, err := offsetsAt(ctx, client, spans, latest)
	if err != nil {
		return nil, err
	}
	starts, err := offsetsAt(ctx, client, spans, earliest)
	if err != nil {
		return nil, err
	}
	for i := range spans {
		s := &spans[i]
		s.end = ends[s.place]
		s.start = min(starts[s.place], s.end)
	}
	return spans, nil
}

// size returns the number of offsets.
func size(spans []span) (sum int64) {
	for _, s := range spans {
		sum += s.end - s.start
	}
	return sum
}

// newest returns the newest parts of the spans, with at most limit offsets. The function from
// returns the parts whose messages are not older than a time.
func newest(spans []span, limit int64, from func(time int64) ([]span, error)) ([]span, error) {
	older, newer := spans, emptied(spans)
	low, high := int64(0), time.Now().Add(24*time.Hour).UnixMilli() // clocks of writers differ
	step := 48 * time.Hour.Milliseconds()
	for high-low > 1 && size(newer) < limit-limit/50 {
		middle := low + (high-low)/2
		if low == 0 { // most messages are from the last days
			middle = max(middle, high-step)
			step = min(2*step, high)
		}
		at, err := from(middle)
		switch {
		case err != nil:
			return nil, err
		case size(at) > limit:
			low, older = middle, at
		default:
			high, newer = middle, at
		}
	}
	free := limit - size(newer)
	for i := range newer { // the rest comes from the next older messages
		more := min(free, newer[i].start-older[i].start)
		newer[i].start -= more
		free -= more
	}
	return newer, nil
}

// emptied returns the ends of the spans.
func emptied(spans []span) []span {
	at := make([]span, len(spans))
	for i, s := range spans {
		at[i] = s
		at[i].start = s.end
	}
	return at
}

// from returns the parts of the spans whose messages are not older than a time.
func from(ctx context.Context, client *kgo.Client, spans []span, time int64) ([]span, error) {
	offsets, err := offsetsAt(ctx, client, spans, time)
	if err != nil {
		return nil, err
	}
	at := emptied(spans)
	for i, s := range spans {
		if offset := offsets[s.place]; offset >= 0 {
			at[i].start = min(max(offset, s.start), s.end)
		}
	}
	return at, nil
}
