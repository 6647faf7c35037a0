package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// leastTimeout and mostTimeout are the library's bounds for the timeout of a request.
const leastTimeout, mostTimeout = 100 * time.Millisecond, 15 * time.Minute

// attempt returns the time for one connection to a broker, or for one answer. It is a third of
// the timeout, because the library asks an unresponsive broker twice and needs time left to
// ask another one.
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

// producing returns the options of the client that publishes. Its writes are idempotent: when
// an answer is lost, the library sends the batch again and the broker drops the duplicate. A
// batch may be given up while its outcome is unknown, so that Publish ends in time.
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

// producingAlone returns the options of the client that sends one message at a time. The
// client compresses, because a topic's size limit applies to the compressed batch. Every
// library can read gzip.
func (b *cluster) producingAlone() []kgo.Opt {
	codec := b.compression
	if codec == kgo.NoCompression() {
		codec = kgo.GzipCompression()
	}
	return append(b.producing(), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(mostLargest), kgo.ProducerLinger(0))
}

// maxBuffered is the largest number of messages, over all calls of Publish, that wait for the
// brokers.
const maxBuffered = 1 << 20
