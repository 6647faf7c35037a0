package testenv

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Every test has a virtual host. Its topics are deleted when the test ends.
func TestKafkaTopicsEndWithTheTest(t *testing.T) {
	t.Parallel()
	var topic string
	var view *KafkaView
	t.Run("", func(t *testing.T) {
		first, second := Kafka(t), Kafka(t)
		if first == second {
			t.Fatalf("both are %s", first)
		}
		view = KafkaAPI(t, first)
		topic = "profiler.info." + first[strings.LastIndexByte(first, '/')+1:]
		view.Publish(topic, []byte("key"), []byte("1"), []byte("2"))
		got := view.Records(topic)
		if len(got) != 2 || string(got[0].Value) != "1" || string(got[1].Value) != "2" || string(got[0].Key) != "key" {
			t.Errorf("%+v", got)
		}
	})
	if view == nil {
		t.Skip("no Kafka")
	}
	view = KafkaAPI(t, kafkaServer.need(t))
	eventually(t, "the topic is gone", func() bool { return !slices.Contains(view.Topics(), topic) })
}

// eventually waits until a condition is true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("waited for %v: %s", patience, what)
		}
	}
}

// produce publishes a message within a time with a client of its own.
func produce(t *testing.T, addr string, limit time.Duration, o ...kgo.Opt) error {
	t.Helper()
	client, err := kgo.NewClient(append(o, kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.DisableIdempotentWrite())...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return client.ProduceSync(ctx, &kgo.Record{Topic: "some", Value: []byte(addr)}).FirstErr()
}

func TestKafkaIsKilledHaltedAndRestarted(t *testing.T) {
	t.Parallel()
	s := StartKafka(t)
	v := KafkaAPI(t, s.Kafka())
	v.Publish("some", nil, []byte("kept"))
	s.Stop()
	if err := produce(t, s.Addr(), 300*time.Millisecond); err == nil {
		t.Error("a halted server answers")
	}
	s.Continue()
	s.Kill()
	if err := produce(t, s.Addr(), 300*time.Millisecond); err == nil {
		t.Error("a killed server answers")
	}
	s.Restart()
	if got := v.Records("some"); len(got) < 1 || string(got[0].Value) != "kept" {
		t.Errorf("after a restart: %+v, %s", got, s.Log())
	}
	if err := produce(t, s.Addr(), patience); err != nil {
		t.Error(err)
	}
	onlyLoopback(t, s)
}

func TestKafkaMakesNoTopic(t *testing.T) {
	t.Parallel()
	s := StartKafka(t, "auto.create.topics.enable=false")
	if err := produce(t, s.Addr(), 2*time.Second); err == nil {
		t.Error("a topic that does not exist takes a message")
	}
	v := KafkaAPI(t, s.Kafka())
	v.CreateTopic("some", 3, 1)
	if err := produce(t, s.Addr(), patience); err != nil {
		t.Error(err)
	}
}

// A server requires accounts and TLS according to its options.
func TestKafkaProtocols(t *testing.T) {
	t.Parallel()
	c := NewCertificates(t, "")
	config, err := trustOf(c.Authority)
	if err != nil {
		t.Fatal(err)
	}
	account := func(password string) map[string]sasl.Mechanism {
		return map[string]sasl.Mechanism{
			"PLAIN":         plain.Auth{User: User, Pass: password}.AsMechanism(),
			"SCRAM-SHA-256": scram.Auth{User: Writer, Pass: password}.AsSha256Mechanism(),
			"SCRAM-SHA-512": scram.Auth{User: User, Pass: password}.AsSha512Mechanism(),
		}
	}
	for _, protocol := range []string{"SSL", "SASL_PLAINTEXT", "SASL_SSL"} {
		t.Run(protocol, func(t *testing.T) {
			s := StartKafkaWith(t, KafkaOptions{Protocol: protocol, Certificates: c})
			if err := produce(t, s.Addr(), time.Second); err == nil {
				t.Error("without TLS or account, the server takes a message")
			}
			var secured []kgo.Opt
			if strings.HasSuffix(protocol, "SSL") {
				secured = append(secured, kgo.DialTLSConfig(config))
			}
			if !strings.HasPrefix(protocol, "SASL") {
				if err := produce(t, s.Addr(), patience, secured...); err != nil {
					t.Error(err, s.Log())
				}
				return
			}
			for name, mechanism := range account(Password) {
				if err := produce(t, s.Addr(), patience, append(secured, kgo.SASL(mechanism))...); err != nil {
					t.Error(name, err)
				}
			}
			for name, mechanism := range account("wrong") {
				client, err := kgo.NewClient(append(secured, kgo.SeedBrokers(s.Addr()), kgo.SASL(mechanism))...)
				if err != nil {
					t.Fatal(err)
				}
				if err := client.Ping(t.Context()); !errors.Is(err, kerr.SaslAuthenticationFailed) {
					t.Errorf("%s with a wrong password: %v", name, err)
				}
				client.Close()
			}
			if got := KafkaAPI(t, s.Kafka()).Records("some"); len(got) != 3 {
				t.Errorf("%d messages", len(got))
			}
		})
	}
}

// Clients of a server that advertises the address of a proxy reach the server only through
// the proxy.
func TestKafkaBehindAProxy(t *testing.T) {
	t.Parallel()
	p := NewProxy(t, "127.0.0.1:1")
	s := StartKafkaWith(t, KafkaOptions{Advertised: p.Addr()})
	p.Switch(s.Addr())
	if err := produce(t, p.Addr(), patience); err != nil || p.Bytes() == 0 {
		t.Errorf("%v, %d bytes", err, p.Bytes())
	}
	p.Refuse(true)
	p.Reset()
	if err := produce(t, s.Addr(), time.Second); err == nil {
		t.Error("the client goes around the proxy")
	}
	p.Refuse(false)
	p.CutAnswersAfter(10)
	if err := produce(t, p.Addr(), patience); err != nil || p.Cuts() != 1 {
		t.Errorf("%v after %d cuts", err, p.Cuts())
	}
	if got := KafkaAPI(t, s.Kafka()).Records("some"); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestKafkaCluster(t *testing.T) {
	t.Parallel()
	c := StartKafkaCluster(t)
	v := KafkaAPI(t, c.URL)
	v.CreateTopic("some", 1, 2)
	v.Publish("some", nil, []byte("kept"))
	c.AwaitCopies("some")
	leader := c.Leader("some", 0)
	leader.Kill()
	if c.Leader("some", 0) == leader {
		t.Fatal("the leader is the killed broker")
	}
	if got := v.Records("some"); len(got) != 1 || string(got[0].Value) != "kept" {
		t.Errorf("%+v", got)
	}
	v.Publish("some", nil, []byte("later"))
	leader.Restart()
	c.AwaitCopies("some")
	if got := v.Records("some"); len(got) != 2 || string(got[1].Value) != "later" {
		t.Errorf("%+v", got)
	}
}
