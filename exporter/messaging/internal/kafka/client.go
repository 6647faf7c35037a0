package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of the library for the timeout of a request.
const leastTimeout, mostTimeout = 100 * time.Millisecond, 15 * time.Minute

// attempt is the time for one connection or one answer of one broker. It is a third of
// the timeout: the library asks a broker that does not answer twice, and then there
// must be time to ask another one.
func (b *cluster) attempt() time.Duration {
	return min(max(b.config.Timeout/3, leastTimeout), mostTimeout)
}

// ping connects to one of the brokers.
func (b *cluster) ping(ctx context.Context, client *kgo.Client) error {
	bounded, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	return client.Ping(bounded)
}

// common returns the options of every client.
func (b *cluster) common(w *watch) []kgo.Opt {
	options := []kgo.Opt{
		kgo.SeedBrokers(addresses(&b.config)...),
		kgo.ClientID("osprofiler"),
		kgo.DialTimeout(b.attempt()),
		kgo.RequestTimeoutOverhead(b.attempt()),
		kgo.RetryTimeout(b.config.Timeout),
		kgo.RetryBackoffFn(backoff),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), // the default of Python's library
		kgo.FetchMaxPartitionBytes(b.partitionBytes),
		kgo.DisableClientMetrics(),
		kgo.WithHooks(w),
	}
	if b.config.TLS != nil {
		options = append(options, kgo.DialTLSConfig(b.config.TLS))
	}
	if b.sasl != nil {
		options = append(options, kgo.SASL(b.sasl))
	}
	return options
}

// backoff returns the pause before a request is sent again.
func backoff(attempts int) time.Duration {
	return min(100*time.Millisecond<<min(attempts, 5), time.Second)
}

// producing returns the options of the client that publishes. Its writes are
// idempotent: the library sends a batch again when the answer was lost, and the
// broker drops the second one. A batch may be given up while its outcome is
// unknown, so that Publish ends in time.
func (b *cluster) producing() []kgo.Opt {
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.AllowIdempotentProduceCancellation(),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // by the key, as Java's
		kgo.ProducerBatchCompression(b.compression),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return b.largest.Load() }),
		kgo.ProducerLinger(b.linger),
		kgo.ProduceRequestTimeout(b.attempt()),
		// With these retries the broker's reason reaches Publish before its time is over.
		kgo.RecordRetries(max(1, int(b.config.Timeout/(2*time.Second)))),
		kgo.MaxBufferedRecords(maxBuffered),
		kgo.MetadataMinAge(250 * time.Millisecond), // so that a new leader is found soon
	}
}

// producingAlone returns the options of the client that sends one message at a time.
// It compresses, because a topic's limit is for the compressed batch. Every library
// reads gzip.
func (b *cluster) producingAlone() []kgo.Opt {
	codec := b.compression
	if codec == kgo.NoCompression() {
		codec = kgo.GzipCompression()
	}
	return append(b.producing(), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(mostLargest), kgo.ProducerLinger(0))
}

// maxBuffered bounds the messages of all calls of Publish that wait for the
// brokers.
const maxBuffered = 1 << 20
