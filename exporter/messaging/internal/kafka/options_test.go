package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestOptions(t *testing.T) {
	c, o := configOf(t, "kafka://osp:pw@h1:9092,h2:9093?security_protocol=sasl_plaintext&sasl_mechanism=SCRAM-SHA-256&compression_codec=lz4"+
		"&kafka_max_fetch_bytes=4096&max_poll_records=20&producer_batch_timeout=0.05&consumer_group=g"+
		"&kafka_consumer_timeout=2&producer_batch_size=99&enable_auto_commit=true&pool_size=3&conn_pool_min_size=1&conn_pool_ttl=4")
	s, err := readSettings(&c, o)
	if err == nil {
		err = o.Done()
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.group != "g" || s.user != "osp" || s.mechanism != "SCRAM-SHA-256" || s.sasl.Name() != "SCRAM-SHA-256" || s.compression != kgo.Lz4Compression() ||
		s.partitionBytes != 4096 || s.pollRecords != 20 || s.linger != 50*time.Millisecond {
		t.Errorf("got %+v", s)
	}
}

// The defaults are those of oslo.messaging, except for the group.
func TestDefaultOptions(t *testing.T) {
	c, o := configOf(t, "kafka://osp:pw@h1:9092")
	s, err := readSettings(&c, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.group != "osprofiler" || s.sasl != nil || s.user != "" || s.compression != kgo.NoCompression() || s.partitionBytes != 1<<20 || s.pollRecords != 500 || s.linger != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestWrongOptions(t *testing.T) {
	for text, want := range map[string]string{
		"compression_codec=rar":                                "option compression_codec is \"rar\"; it should be none, gzip, snappy, lz4 or zstd",
		"security_protocol=TLS":                                "option security_protocol is \"TLS\"; it should be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
		"security_protocol=SASL_PLAINTEXT&sasl_mechanism=NTLM": "option sasl_mechanism is \"NTLM\"; it should be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
		"kafka_default_port=1":                                 "the transport URL should name the hosts",
		"kafka_max_fetch_bytes=0":                              "kafka_max_fetch_bytes",
	} {
		c, o := configOf(t, "kafka://osp:secret@h1:9092?"+text)
		_, err := readSettings(&c, o)
		if err == nil {
			err = o.Done()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got  %v\nwant %s", text, err, want)
		}
	}
	c, o := configOf(t, "kafka://h1:9092?security_protocol=SASL_PLAINTEXT")
	if _, err := readSettings(&c, o); err == nil || !strings.Contains(err.Error(), "should have a user and a password, as in kafka://user:password@host:9092") {
		t.Errorf("got %v", err)
	}
}
