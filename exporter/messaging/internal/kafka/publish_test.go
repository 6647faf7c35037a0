package kafka

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Messages of one key are in one partition in their order. The partition is the one that
// Java's partitioner chooses. Like Python's messages, they have no headers.
func TestPublish(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	topic, v := b.topic(), view(t, url)
	v.CreateTopic(topic, 4, 1)
	messages := bodies(0, 500)
	mustPublish(t, b, messages...)
	byKey, where := map[string][]string{}, map[string]int32{}
	for _, r := range v.Records(topic) {
		key := string(r.Key)
		if partition, ok := where[key]; ok && partition != r.Partition || len(r.Headers) > 0 {
			t.Fatalf("a message of key %q lies in partition %d with the headers %v, others of the key in %d", key, r.Partition, r.Headers, partition)
		}
		where[key] = r.Partition
		byKey[key] = append(byKey[key], string(r.Value))
	}
	for key := range where {
		var want []string
		for _, m := range messages {
			if m.Key == key {
				want = append(want, string(m.Body))
			}
		}
		if !slices.Equal(byKey[key], want) {
			t.Errorf("the messages of key %q are %v", key, byKey[key])
		}
	}
}

// The partitions are those in the examples of Kafka's UtilsTest.testMurmur2.
func TestPartitionsOfJava(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	view(t, url).CreateTopic(b.topic(), 4, 1)
	want := map[string]int32{"21": 0, "foobar": 2, "a-little-bit-long-string": 0, "a-little-bit-longer-string": 3, "abc": 3}
	for key := range want {
		mustPublish(t, b, bus.Outgoing{Key: key, Body: []byte("{}")})
	}
	got := map[string]int32{}
	for _, r := range view(t, url).Records(b.topic()) {
		got[string(r.Key)] = r.Partition
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A topic that does not exist is created by the first Publish.
func TestPublishCreatesTheTopic(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	if got, more := peeked(t, b, 10); len(got) > 0 || more {
		t.Fatalf("an empty bus has %v, %v", got, more)
	}
	if err := b.Ping(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(view(t, url).Topics(), b.topic()) {
		t.Fatal("looking created the topic")
	}
	mustPublish(t, b, bodies(0, 3)...)
	if got, _ := peeked(t, b, 10); !slices.Equal(got, texts(bodies(0, 3))) {
		t.Errorf("got %v", got)
	}
}

// large returns a message of a size.
func large(size int) bus.Outgoing {
	return bus.Outgoing{Key: "k1", Body: fmt.Appendf(nil, "{%q: %q}", "n", strings.Repeat("x", size-8))}
}

// incompressible returns a message of a size that compression does not reduce.
func incompressible(size int) bus.Outgoing {
	body := make([]byte, size)
	_, _ = rand.Read(body)
	return bus.Outgoing{Key: "k1", Body: body}
}

// A message that exceeds the topic's size limit is refused, and the others are stored.
func TestTooLarge(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	messages := bodies(0, 6)
	messages[2] = incompressible(1_100_000)
	messages[4] = incompressible(70 << 20) // more than is ever sent
	out := publish(t, b, messages...)
	if !slices.Equal(out.Refused(), []int{2, 4}) || len(out.Missing()) > 0 || !strings.Contains(out.Err().Error(), "takes no message that is larger than its max.message.bytes") {
		t.Fatalf("refused are %v, missing %v: %v", out.Refused(), out.Missing(), out.Err())
	}
	want := []string{string(messages[0].Body), string(messages[1].Body), string(messages[3].Body), string(messages[5].Body)}
	if got, _ := peeked(t, b, 10); !slices.Equal(got, want) {
		t.Errorf("there are %v", got)
	}
}

// A message that fits when compressed is stored, in its order.
func TestLarge(t *testing.T) {
	b := open(t, testenv.Kafka(t))
	messages := []bus.Outgoing{bodies(0, 1)[0], large(3_000_000), bodies(1, 1)[0], large(4_000_000)}
	mustPublish(t, b, messages...)
	if got, _ := peeked(t, b, 10); !slices.Equal(got, texts(messages)) {
		t.Errorf("%d messages came back", len(got))
	}
}

// A topic may accept larger messages than usual.
func TestTopicForLargeMessages(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	v := view(t, url)
	v.CreateTopic(b.topic(), 1, 1)
	setLargest(t, v, b.topic(), "5000000")
	eventually(t, func() error { return publish(t, b, incompressible(4_000_000)).Err() }) // the setting takes effect with a delay
	if got, _ := peeked(t, b, 10); len(got) != 1 || len(got[0]) != 4_000_000 {
		t.Errorf("there are %d messages", len(got))
	}
}

// The topic accepts only smaller messages than it reported before. The broker refuses the
// whole batch, and the bus sends its messages one by one.
func TestTopicForSmallMessages(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	mustPublish(t, b, bodies(0, 1)...)
	setLargest(t, view(t, url), b.topic(), "2000")
	probe := open(t, url)
	eventually(t, func() error { // the setting takes effect with a delay
		if publish(t, probe, incompressible(5000)).Refused() == nil {
			return errors.New("the topic takes large messages")
		}
		return nil
	})
	messages := bodies(1, 30)
	messages[7] = incompressible(5000)
	out := publish(t, b, messages...)
	if !slices.Equal(out.Refused(), []int{7}) || len(out.Missing()) > 0 || !strings.Contains(out.Err().Error(), "MESSAGE_TOO_LARGE") {
		t.Fatalf("refused are %v, missing %v: %v", out.Refused(), out.Missing(), out.Err())
	}
	want := sorted(append(texts(bodies(0, 8)), texts(bodies(9, 22))...))
	got, _ := peeked(t, b, 1000)
	got = slices.DeleteFunc(got, func(text string) bool { return len(text) == 5000 }) // the messages of probe
	if !slices.Equal(sorted(got), want) {
		t.Errorf("got %v", got)
	}
}

func setLargest(t *testing.T, v *testenv.KafkaView, topic, value string) {
	t.Helper()
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		_, err := c.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "max.message.bytes", Value: &value}}, topic)
		return err
	})
}

// Messages in each codec of oslo.messaging's option can be read.
func TestCompression(t *testing.T) {
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		b := open(t, testenv.Kafka(t)+"?compression_codec="+codec)
		messages := []bus.Outgoing{large(50_000), large(60_000)}
		mustPublish(t, b, messages...)
		if got, _ := peeked(t, b, 10); !slices.Equal(got, texts(messages)) {
			t.Errorf("%s: %d messages came back", codec, len(got))
		}
	}
}

// A topic that is deleted during use is created again by the next attempt, for ordinary
// messages and for those that are sent alone. Peeks and consumptions find the new topic.
func TestTopicMadeAgain(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	mustPublish(t, b, bodies(0, 2)...)
	mustPublish(t, b, large(2_000_000))
	c := consumer(t, b)
	got := receive(t, c, patience, 3)
	acknowledge(t, c, got[2].Number)
	for round, message := range []bus.Outgoing{bodies(10, 1)[0], large(3_000_000)} {
		view(t, url).Do(func(ctx context.Context, c *kadm.Client) error {
			_, err := c.DeleteTopic(ctx, b.topic())
			return err
		})
		if round == 1 { // another service creates the topic at once
			eventually(t, func() error { return publish(t, open(t, url), bodies(20, 1)...).Err() })
		}
		deadline := time.Now().Add(patience)
		for {
			out := publish(t, b, message)
			if out.Err() == nil {
				break
			}
			if !out.Transient() || time.Now().After(deadline) {
				t.Fatal(out.Err())
			}
		}
		want := []string{string(message.Body)}
		if round == 1 {
			want = []string{string(bodies(20, 1)[0].Body), string(message.Body)}
		}
		if got, _ := peeked(t, b, 10); !slices.Equal(got, want) {
			t.Errorf("there are %d messages", len(got))
		}
		var received []string
		for len(received) < len(want) && time.Now().Before(deadline) {
			for m, err := range c.Receive(t.Context(), time.Second) {
				if err != nil {
					if !store.IsTransient(err) {
						t.Fatal(err)
					}
					continue
				}
				received = append(received, string(m.Body))
				acknowledge(t, c, m.Number)
			}
		}
		if !slices.Equal(received, want) {
			t.Errorf("%d of %d messages were received", len(received), len(want))
		}
	}
}

// Large messages are sent one at a time. The wait for the turn ends with the context, and a
// batch of large messages waits only once for a broker that does not answer.
func TestLargeMessagesEndInTime(t *testing.T) {
	server := testenv.StartKafka(t)
	b := open(t, server.Kafka()+"?osp_timeout=10")
	mustPublish(t, b, large(2_000_000))
	server.Stop()
	defer server.Continue()
	var batch []bus.Outgoing
	for i := range 12 {
		batch = append(batch, large(2_000_000+i))
	}
	batch = append(batch, bodies(0, 1)...)
	first := make(chan struct{})
	go func() {
		defer close(first)
		began := time.Now()
		out := publish(t, b, batch...)
		// Waiting separately for each large message would take 120 s.
		if len(out.Missing()) != len(batch) || !out.Transient() || time.Since(began) > 110*time.Second {
			t.Errorf("missing are %v after %v: %v", out.Missing(), time.Since(began), out.Err())
		}
	}()
	for len(b.alone) == 0 {
		select {
		case <-first:
			t.Fatal("no large message was sent alone")
		case <-time.After(time.Millisecond):
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	out := outcome.Of(make([]osprofiler.Notification, 1))
	b.Publish(ctx, []bus.Outgoing{large(2_000_000)}, out)
	if took := time.Since(began); !slices.Equal(out.Missing(), []int{0}) || len(b.alone) == 0 {
		t.Errorf("missing are %v after %v; the other batch is still waiting: %t", out.Missing(), took, len(b.alone) > 0)
	}
	<-first
}
