package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaVariable names the environment variable with the user's own server, which must
// accept connections without TLS and account. Tests use topics whose names end with
// .osp-test-NAME, and delete them. The server must create topics on demand
// (auto.create.topics.enable, the default).
const KafkaVariable = "OSP_TEST_KAFKA_URL"

var kafkaServer = resource(Resource{
	Name:      "a Kafka server",
	Variable:  KafkaVariable,
	Get:       "run scripts/setup.sh, or set " + KafkaVariable + " to one of your own (kafka://127.0.0.1:9092/)",
	find:      findKafka,
	installed: canStart(new(kafkaNode).program),
	fresh:     kafkaVirtualHost,
})

// sharedKafka are the settings of the server that tests share. No test stops the server,
// but its heartbeats may be late on a busy machine. A broker that loses its session removes
// the members of its consumer groups, and their messages are delivered again.
var sharedKafka = []string{"broker.session.timeout.ms=60000"}

// Kafka returns the connection string of a virtual host that no other test uses:
// kafka://host:port/VIRTUAL-HOST, which is a transport URL of oslo.messaging too. Kafka
// has no virtual hosts. oslo.messaging adds the name to the topic that it publishes to
// (profiler.info.VIRTUAL-HOST), but its listeners do not. The topics are deleted when
// the test ends. [KafkaAPI] shows the topics.
func Kafka(t testing.TB) string {
	t.Helper()
	return kafkaServer.database(t)
}

// NewKafka is Kafka for programs that are not tests. drop deletes the topics.
func NewKafka() (url string, drop func() error, err error) { return kafkaServer.newDatabase() }

func findKafka() (location, version string, err error) {
	if location = os.Getenv(KafkaVariable); location == "" {
		pr, err := (&kafkaNode{KafkaOptions: KafkaOptions{Settings: sharedKafka}}).program()
		if err != nil {
			return "", "", err
		}
		javaStarts <- struct{}{}
		p, err := launch(pr)
		<-javaStarts
		if err != nil {
			return "", "", err
		}
		atEnd(p.end)
		location = p.url(p, p.addr())
	}
	err = kafkaDo(kafkaServers(location), func(ctx context.Context, c *kadm.Client) error {
		versions, err := c.ApiVersions(ctx)
		for _, broker := range versions {
			version = strings.TrimPrefix(broker.VersionGuess(), "v")
			err = errors.Join(err, broker.Err)
		}
		return err
	})
	return location, version, err
}

// kafkaVirtualHost chooses a virtual host, which need not be created. drop deletes its
// topics, which brokers still list for a moment.
func kafkaVirtualHost(location string) (own string, drop func() error, err error) {
	name := "osp-test-" + strings.ToLower(rand.Text()[:16])
	return inVirtualHost(location, name), func() error {
		return kafkaDo(kafkaServers(location), func(ctx context.Context, c *kadm.Client) error {
			topics, err := c.ListTopics(ctx)
			if err != nil {
				return err
			}
			var own []string
			for _, topic := range topics.Names() {
				if strings.HasSuffix(topic, "."+name) {
					own = append(own, topic)
				}
			}
			deleted, err := c.DeleteTopics(ctx, own...)
			for _, topic := range deleted {
				// A broker still lists a topic for a moment after the test has deleted it.
				if !errors.Is(topic.Err, kerr.UnknownTopicOrPartition) {
					err = errors.Join(err, topic.Err)
				}
			}
			return err
		})
	}, nil
}

// kafkaInternals has, for the address of each server that this process started, the
// address of its listener for tests, which never asks for TLS or an account.
var kafkaInternals addresses

// kafkaServers returns the addresses (host:port) of a connection string for tests.
func kafkaServers(location string) []string {
	base, _, _ := strings.Cut(location, "?")
	_, rest, _ := strings.Cut(base, "://")
	hosts, _, _ := strings.Cut(rest, "/")
	var all []string
	for host := range strings.SplitSeq(hosts, ",") {
		host = host[strings.LastIndexByte(host, '@')+1:]
		all = append(all, kafkaInternals.get(host, host))
	}
	return all
}

// kafkaDo does something with a client for administrators.
func kafkaDo(servers []string, do func(ctx context.Context, c *kadm.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := anyListening(ctx, servers); err != nil {
		return err // the client would try again and again
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(servers...), kgo.DialTimeout(2*time.Second), kgo.RetryTimeout(10*time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	return do(ctx, kadm.NewClient(client))
}

// anyListening returns nil if any of the servers accepts connections.
func anyListening(ctx context.Context, servers []string) (errs error) {
	for _, server := range servers {
		err := listening(ctx, server)
		if err == nil {
			return nil
		}
		errs = errors.Join(errs, err)
	}
	return errs
}
