package kafka

import (
	"context"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// consumer begins to consume. The consumption is closed with the test.
func consumer(t testing.TB, b *cluster) bus.Consumption {
	t.Helper()
	c, err := b.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// receive returns the messages until none has come for idle, or until there are most messages.
func receive(t testing.TB, c bus.Consumption, idle time.Duration, most int) (messages []bus.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if most == 0 {
		return nil
	}
	for m, err := range c.Receive(ctx, idle) {
		if err != nil {
			t.Fatal(err)
		}
		if messages = append(messages, m); len(messages) == most {
			break
		}
	}
	return messages
}

func acknowledge(t testing.TB, c bus.Consumption, number uint64) {
	t.Helper()
	if err := c.Acknowledge(t.Context(), number); err != nil {
		t.Fatal(err)
	}
}

// bodiesOf returns the bodies of messages.
func bodiesOf(messages []bus.Message) []string {
	all := make([]string, len(messages))
	for i, m := range messages {
		all[i] = string(m.Body)
	}
	return all
}

// A new group begins with the earliest message. Unacknowledged messages are delivered again to
// the next consumption of the group, and messages stay for other groups.
func TestConsume(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	mustPublish(t, b, bodies(0, 10)...)
	c := consumer(t, b)
	got := receive(t, c, patience, 4)
	if !slices.Equal(bodiesOf(got), texts(bodies(0, 4))) || got[3].Number != 4 {
		t.Fatalf("got %v", got)
	}
	if want := "the message at offset 3 of partition 0 of topic \"" + b.topic() + "\""; got[3].Place != want {
		t.Errorf("the place is %s, want %s", got[3].Place, want)
	}
	rest := receive(t, c, 300*time.Millisecond, 100)
	if !slices.Equal(bodiesOf(rest), texts(bodies(4, 6))) {
		t.Fatalf("then got %v", bodiesOf(rest))
	}
	c.Leave(2) // stays in the topic in any case
	acknowledge(t, c, 7)
	if at := view(t, url).Committed(defaultGroup, b.topic()); at[0] != 7 {
		t.Errorf("committed are %v", at)
	}
	acknowledge(t, c, 3) // already acknowledged
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	again := receive(t, consumer(t, b), 300*time.Millisecond, 100)
	if !slices.Equal(bodiesOf(again), texts(bodies(7, 3))) {
		t.Errorf("the next consumption got %v", bodiesOf(again))
	}
	other := openWith(t, url, func(c *bus.Config) { c.Queue = "another" })
	if got := receive(t, consumer(t, other), 300*time.Millisecond, 100); len(got) != 10 {
		t.Errorf("another group got %v", bodiesOf(got))
	}
}

// The acknowledged offsets are committed by Close at the latest, and Acknowledge after Close
// does nothing.
func TestAcknowledgeAfterClose(t *testing.T) {
	b := open(t, testenv.Kafka(t))
	mustPublish(t, b, bodies(0, 2)...)
	c := consumer(t, b)
	receive(t, c, patience, 2)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledge(t, c, 2)
	for _, err := range c.Receive(t.Context(), time.Second) {
		if err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("got %v", err)
		}
	}
	if got := receive(t, consumer(t, b), 300*time.Millisecond, 100); len(got) != 2 {
		t.Errorf("the next consumption got %v", bodiesOf(got))
	}
}

// A consumption that begins before its topic exists gets the first message.
func TestConsumeBeforeTheTopic(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	c := consumer(t, b)
	if got := receive(t, c, 300*time.Millisecond, 1); len(got) > 0 {
		t.Fatalf("got %v", got)
	}
	if slices.Contains(view(t, url).Topics(), b.topic()) {
		t.Fatal("consuming created the topic")
	}
	mustPublish(t, b, bodies(0, 3)...)
	if got := receive(t, c, patience, 3); len(got) != 3 {
		t.Errorf("got %v", bodiesOf(got))
	}
}

// Receive ends with the context, and the next call continues.
func TestReceiveEndsWithTheContext(t *testing.T) {
	b := open(t, testenv.Kafka(t))
	c := consumer(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var failure error
	for _, err := range c.Receive(ctx, patience) {
		failure = err
	}
	if failure != context.DeadlineExceeded {
		t.Errorf("got %v", failure)
	}
	mustPublish(t, b, bodies(0, 1)...)
	if got := receive(t, c, patience, 1); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

// The group is behind the end of a partition whose last offset is the end of a transaction.
// Receive ends nevertheless.
func TestConsumeAtATransaction(t *testing.T) {
	t.Parallel()
	b := open(t, testenv.Kafka(t)+"?osp_timeout=5")
	mustPublish(t, b, bodies(0, 3)...)
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses(&b.config)...), kgo.TransactionalID("t"+b.topic()), kgo.DefaultProduceTopic(b.topic()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), kgo.StringRecord("aborted")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, consumer(t, b), 300*time.Millisecond, 100); !slices.Equal(bodiesOf(got), texts(bodies(0, 3))) {
		t.Errorf("got %v", bodiesOf(got))
	}
}

// If messages exist but do not arrive, Receive returns a transient error.
func TestConsumeThatIsStuck(t *testing.T) {
	t.Parallel()
	b := open(t, testenv.Kafka(t)+"?osp_timeout=5")
	mustPublish(t, b, bodies(0, 1)...)
	c := consumer(t, b)
	receive(t, c, patience, 1)
	c.(*consumption).member.client.PauseFetchTopics(b.topic())
	mustPublish(t, b, bodies(1, 1)...)
	var failure error
	for _, err := range c.Receive(t.Context(), 300*time.Millisecond) {
		failure = err
	}
	if failure == nil || !store.IsTransient(failure) || !strings.Contains(failure.Error(), b.Name()+" has not delivered the message at offset 1 of partition 0") {
		t.Errorf("got %v", failure)
	}
}

// Only one of the messages that are not ours is remembered, however many come.
func TestLeaveMany(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	mustPublish(t, b, bodies(0, 100)...)
	c := consumer(t, b)
	for i, m := range receive(t, c, patience, 100) {
		if i > 0 {
			c.Leave(m.Number)
		}
	}
	for _, a := range c.(*consumption).member.assigned {
		if len(a.unacked) != 2 {
			t.Errorf("%d messages are remembered", len(a.unacked))
		}
	}
	acknowledge(t, c, 100)
	if at := view(t, url).Committed(defaultGroup, b.topic()); at[0] != 100 {
		t.Errorf("committed are %v", at)
	}
}

// The offset of the group is after the end of the partition, as after a loss of data, or
// before the first message, because the retention has deleted messages. The group begins with
// the first existing message, so that none is skipped.
func TestConsumeFromALostOffset(t *testing.T) {
	for name, c := range map[string]struct{ committed, deleted int64 }{"behind the end": {1000, 0}, "in front of the start": {2, 4}} {
		t.Run(name, func(t *testing.T) {
			// Offsets can be set only for a group without members. Other tests have members in
			// the default group.
			url := testenv.Kafka(t)
			group := path.Base(url)
			b := open(t, url+"?consumer_group="+group)
			mustPublish(t, b, bodies(0, 10)...)
			view(t, url).Do(func(ctx context.Context, admin *kadm.Client) error {
				var offsets, deleted kadm.Offsets
				offsets.Add(kadm.Offset{Topic: b.topic(), At: c.committed, LeaderEpoch: -1})
				if err := admin.CommitAllOffsets(ctx, group, offsets); err != nil || c.deleted == 0 {
					return err
				}
				deleted.Add(kadm.Offset{Topic: b.topic(), At: c.deleted})
				_, err := admin.DeleteRecords(ctx, deleted)
				return err
			})
			reader := consumer(t, b)
			first := int(c.deleted)
			if got := receive(t, reader, patience, 10-first); !slices.Equal(bodiesOf(got), texts(bodies(first, 10-first))) {
				t.Errorf("got %v", bodiesOf(got))
			}
		})
	}
}

// Closing a member whose broker does not answer ends with the context.
func TestCloseWithinTheContext(t *testing.T) {
	server := testenv.StartKafka(t)
	b := open(t, server.Kafka()+"?osp_timeout=120")
	mustPublish(t, b, bodies(0, 3)...)
	c := consumer(t, b).(*consumption)
	receive(t, c, patience, 3)
	m := c.member
	server.Stop()
	defer server.Continue()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	c.leave(ctx, m)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// A Receive without an idle time waits until its context ends.
func TestReceiveWithoutEnd(t *testing.T) {
	t.Parallel()
	b := open(t, testenv.Kafka(t)+"?osp_timeout=5")
	mustPublish(t, b, bodies(0, 1)...)
	c := consumer(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	published := time.AfterFunc(12*time.Second, func() { publish(t, b, bodies(1, 1)...) })
	defer published.Stop()
	var got []string
	for m, err := range c.Receive(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, string(m.Body)); len(got) == 2 {
			break
		}
	}
	if !slices.Equal(got, texts(bodies(0, 2))) {
		t.Errorf("got %v", got)
	}
}
