package kafka

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// defaultGroup is the consumer group without an option. It differs from the group of
// oslo.messaging, because the members of a group share the messages: Python's listeners would
// lose messages to us.
const defaultGroup = "osprofiler"

// settings are the options of oslo.messaging's Kafka driver.
type settings struct {
	group          string
	user           string // of SASL, or ""
	mechanism      string // of SASL, or ""
	sasl           sasl.Mechanism
	compression    kgo.CompressionCodec
	partitionBytes int32         // the largest part of one answer for one partition
	pollRecords    int           // the largest number of messages taken from the library at once
	linger         time.Duration // the wait before a batch is sent
}

// readSettings reads the options. Their names are those in oslo.messaging's
// kafka_driver/kafka_options.py.
func readSettings(c *bus.Config, o *connstr.Options) (settings, error) {
	s := settings{group: c.Queue, pollRecords: 500}
	if s.group == "" {
		s.group = defaultGroup
	}
	partitionBytes := 1 << 20
	o.Int("kafka_max_fetch_bytes", &partitionBytes, 1)
	s.partitionBytes = int32(min(partitionBytes, mostFetched))
	o.Int("max_poll_records", &s.pollRecords, 1)
	o.Duration("producer_batch_timeout", &s.linger)
	s.linger = min(s.linger, time.Minute)
	// These options tune Python's library. Offsets are committed after the targets have the
	// messages, whatever the value of enable_auto_commit.
	o.Ignore("kafka_consumer_timeout", "producer_batch_size", "enable_auto_commit",
		"pool_size", "conn_pool_min_size", "conn_pool_ttl")
	for _, name := range []string{"kafka_default_host", "kafka_default_port"} {
		o.Refuse(name, "the transport URL should name the hosts")
	}
	if err := s.readCompression(o); err != nil {
		return s, err
	}
	return s, s.readLogin(c, o)
}

// mostFetched bounds kafka_max_fetch_bytes to what the library takes.
const mostFetched = 50 << 20

func (s *settings) readCompression(o *connstr.Options) error {
	codec := "none" // as Python's driver
	o.Text("compression_codec", &codec)
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	var ok bool
	if s.compression, ok = codecs[codec]; !ok {
		return fmt.Errorf("option compression_codec is %q; it should be none, gzip, snappy, lz4 or zstd", codec)
	}
	return nil
}

// readLogin reads how to log in. As in Python's driver, the user and the password are those of
// the first host of the transport URL that has some, and they are not sent without SASL.
func (s *settings) readLogin(c *bus.Config, o *connstr.Options) error {
	protocol, mechanism := "PLAINTEXT", "PLAIN"
	o.Text("security_protocol", &protocol)
	o.Text("sasl_mechanism", &mechanism)
	switch protocol = strings.ToUpper(protocol); protocol {
	case "PLAINTEXT", "SSL":
		return nil
	case "SASL_PLAINTEXT", "SASL_SSL":
	default:
		return fmt.Errorf("option security_protocol is %q; it should be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", protocol)
	}
	var password string
	for _, server := range c.Servers {
		if server.User != "" {
			s.user, password = server.User, server.Password
			break
		}
	}
	if s.user == "" {
		return fmt.Errorf("option security_protocol is %s, for which the transport URL should have a user and a password, as in %s", protocol, loginExample)
	}
	s.mechanism = strings.ToUpper(mechanism)
	switch s.mechanism {
	case "PLAIN":
		s.sasl = plain.Auth{User: s.user, Pass: password}.AsMechanism()
	case "SCRAM-SHA-256":
		s.sasl = scram.Auth{User: s.user, Pass: password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		s.sasl = scram.Auth{User: s.user, Pass: password}.AsSha512Mechanism()
	default:
		return fmt.Errorf("option sasl_mechanism is %q; it should be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", mechanism)
	}
	return nil
}

var loginExample = connstr.Own("kafka://user:password@host:9092")
