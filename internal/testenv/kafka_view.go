package testenv

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A KafkaView shows and changes the topics of a server, for a test.
type KafkaView struct {
	t       testing.TB
	servers []string
}

// KafkaAPI returns the view of the server of a connection string. If this process started
// the server and the connection string has the server's own address, the view uses a
// listener without TLS and account, and bypasses any [Proxy].
func KafkaAPI(t testing.TB, url string) *KafkaView {
	return &KafkaView{t: t, servers: kafkaServers(url)}
}

// Do does something with a client for administrators.
func (v *KafkaView) Do(do func(ctx context.Context, c *kadm.Client) error) {
	v.t.Helper()
	if err := kafkaDo(v.servers, do); err != nil {
		v.t.Fatal(err)
	}
}

// CreateTopic makes a topic, with copies on that number of brokers, and waits until the
// leaders of its partitions answer.
func (v *KafkaView) CreateTopic(topic string, partitions int32, copies int16) {
	v.t.Helper()
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		if _, err := c.CreateTopic(ctx, partitions, copies, nil, topic); err != nil {
			return err
		}
		for { // a broker learns only after a moment that it leads a partition
			offsets, err := c.ListEndOffsets(ctx, topic)
			if err == nil {
				err = offsets.Error()
			}
			if err == nil || ctx.Err() != nil {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// Topics returns the names of all topics, except those that Kafka itself uses.
func (v *KafkaView) Topics() (names []string) {
	v.t.Helper()
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		topics, err := c.ListTopics(ctx)
		names = topics.Names()
		return err
	})
	return names
}

// Leader returns the number of the broker that leads a partition, or -1.
func (v *KafkaView) Leader(topic string, partition int32) (broker int32) {
	v.t.Helper()
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		topics, err := c.ListTopics(ctx, topic)
		broker = topics[topic].Partitions[partition].Leader
		return err
	})
	return broker
}

// missingCopies returns the partitions of a topic that some broker lacks.
func (v *KafkaView) missingCopies(topic string) (partitions []int32) {
	v.t.Helper()
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		topics, err := c.ListTopics(ctx, topic)
		for _, p := range topics[topic].Partitions {
			if len(p.ISR) < len(p.Replicas) {
				partitions = append(partitions, p.Partition)
			}
		}
		return err
	})
	return partitions
}

// Brokers returns the numbers of the brokers that take part.
func (v *KafkaView) Brokers() (numbers []int32) {
	v.t.Helper()
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		m, err := c.BrokerMetadata(ctx)
		numbers = m.Brokers.NodeIDs()
		return err
	})
	return numbers
}

// Committed returns the offset that a consumer group has committed for each partition
// of a topic.
func (v *KafkaView) Committed(group, topic string) map[int32]int64 {
	v.t.Helper()
	offsets := map[int32]int64{}
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		all, err := c.FetchOffsets(ctx, group)
		for partition, o := range all[topic] {
			offsets[partition] = o.At
		}
		return err
	})
	return offsets
}

// A KafkaRecord is a message in a topic.
type KafkaRecord struct {
	Partition  int32
	Offset     int64
	Key, Value []byte
	Headers    map[string]string
}

// Records returns all messages of a topic, partition by partition. The messages stay in the
// topic.
func (v *KafkaView) Records(topic string) (records []KafkaRecord) {
	v.t.Helper()
	partitions, left := map[int32]kgo.Offset{}, map[int32]int64{}
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		ends, err := c.ListEndOffsets(ctx, topic)
		if err = errors.Join(err, ends.Error()); err != nil {
			return err
		}
		starts, err := c.ListStartOffsets(ctx, topic)
		for partition, end := range ends[topic] {
			if start := starts[topic][partition].Offset; end.Offset > start {
				partitions[partition], left[partition] = kgo.NewOffset().At(start), end.Offset
			}
		}
		return err
	})
	client := v.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: partitions}))
	defer client.Close()
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			v.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records = append(records, recordOf(r))
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	slices.SortFunc(records, func(a, b KafkaRecord) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return records
}

func recordOf(r *kgo.Record) KafkaRecord {
	own := KafkaRecord{r.Partition, r.Offset, r.Key, r.Value, map[string]string{}}
	for _, h := range r.Headers {
		own.Headers[h.Key] = string(h.Value)
	}
	return own
}

// Publish publishes messages to a topic, in their order. A nil key lets the client
// choose the partition.
func (v *KafkaView) Publish(topic string, key []byte, values ...[]byte) {
	v.t.Helper()
	client := v.client(kgo.AllowAutoTopicCreation())
	defer client.Close()
	var records []*kgo.Record
	for _, value := range values {
		records = append(records, &kgo.Record{Topic: topic, Key: key, Value: value})
	}
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		v.t.Fatal(err)
	}
}

func (v *KafkaView) client(o ...kgo.Opt) *kgo.Client {
	v.t.Helper()
	client, err := kgo.NewClient(append(o, kgo.SeedBrokers(v.servers...), kgo.DialTimeout(2*time.Second))...)
	if err != nil {
		v.t.Fatal(err)
	}
	return client
}
