package kafka

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A peek at several topics and partitions shows each partition in its order. A second peek
// shows the same. Neither leaves a consumer group behind.
func TestPeek(t *testing.T) {
	url := testenv.Kafka(t)
	v := view(t, url)
	b := open(t, url)
	second := "second." + b.topic()
	b.config.Topics = append(b.config.Topics, second, "missing."+b.topic())
	v.CreateTopic(b.topic(), 3, 1)
	mustPublish(t, b, bodies(0, 100)...)
	v.Publish(second, nil, []byte("a"), []byte("b"))
	var want []string
	for _, topic := range []string{b.topic(), second} {
		for _, r := range v.Records(topic) {
			want = append(want, string(r.Value))
		}
	}
	before := groupsOf(v)
	for range 2 {
		if got, more := peeked(t, b, 102); !slices.Equal(got, want) || more {
			t.Fatalf("got %d of %d messages, more %v", len(got), len(want), more)
		}
	}
	if groups := groupsOf(v); !slices.Equal(groups, before) {
		t.Errorf("there are the groups %v, before there were %v", groups, before)
	}
	if slices.Contains(v.Topics(), "missing."+b.topic()) {
		t.Error("the peek created a topic")
	}
}

func groupsOf(v *testenv.KafkaView) (groups []string) {
	v.Do(func(ctx context.Context, c *kadm.Client) error {
		listed, err := c.ListGroups(ctx)
		groups = listed.Groups()
		return err
	})
	return groups
}

// A peek that is smaller than the topic shows the newest messages of all partitions.
func TestPeekShowsTheNewest(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	view(t, url).CreateTopic(b.topic(), 4, 1)
	const rounds = 10
	for round := range rounds {
		mustPublish(t, b, bodies(round*30, 30)...)
		time.Sleep(3 * time.Millisecond) // the next messages get a later time
	}
	for _, limit := range []int{1, 7, 30, 100, 299} {
		got, more := peeked(t, b, limit)
		if len(got) != limit || !more {
			t.Errorf("a peek of %d showed %d messages, more %v", limit, len(got), more)
		}
		oldest := (300 - limit) / 30 * 30 // messages of one round have about the same time
		for _, text := range got {
			var n int
			if _, err := fmt.Sscanf(text, `{"n": %d}`, &n); err != nil || n < oldest {
				t.Errorf("a peek of %d showed %s", limit, text)
			}
		}
	}
	if got, more := peeked(t, b, 300); len(got) != 300 || more {
		t.Errorf("a peek of 300 showed %d messages, more %v", len(got), more)
	}
}

// If the loop over a peek ends early, more reports messages that were not looked at.
func TestPeekThatEndsEarly(t *testing.T) {
	b := open(t, testenv.Kafka(t))
	mustPublish(t, b, bodies(0, 5)...)
	for after, want := range map[int]bool{4: true, 5: false} {
		messages, more := b.Peek(t.Context(), 10)
		for m, err := range messages {
			if err != nil {
				t.Fatal(err)
			}
			if m.Number == uint64(after) {
				break
			}
		}
		if more() != want {
			t.Errorf("after %d of 5 messages, more is %v", after, more())
		}
	}
}

// The last offsets of a partition belong to an aborted transaction, or precede an open one. A
// peek ends nevertheless, and shows only committed messages.
func TestPeekAtTransactions(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	mustPublish(t, b, bodies(0, 3)...)
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses(&b.config)...), kgo.TransactionalID("t"+b.topic()), kgo.DefaultProduceTopic(b.topic()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	transaction := func(text string) {
		t.Helper()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), kgo.StringRecord(text)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	end := func(how kgo.TransactionEndTry) {
		t.Helper()
		if err := client.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...string) {
		t.Helper()
		want = append(texts(bodies(0, 3)), want...)
		for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) { // a broker ends transactions with a delay
			got, more := peeked(t, b, 100)
			if slices.Equal(got, want) && !more {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("got %q, more %v", got, more)
			}
		}
	}
	transaction("aborted")
	check() // while the transaction is open
	end(kgo.TryAbort)
	check()
	transaction("committed")
	end(kgo.TryCommit)
	check("committed")
	transaction("open")
	check("committed")
	end(kgo.TryAbort)
}

// Messages that the topic's retention has deleted do not exist, and a peek begins after them.
func TestPeekBehindDeletedMessages(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	mustPublish(t, b, bodies(0, 10)...)
	view(t, url).Do(func(ctx context.Context, c *kadm.Client) error {
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: b.topic(), At: 4})
		_, err := c.DeleteRecords(ctx, offsets)
		return err
	})
	if got, more := peeked(t, b, 100); !slices.Equal(got, texts(bodies(4, 6))) || more {
		t.Errorf("got %v, more %v", got, more)
	}
	if got, more := peeked(t, b, 2); !slices.Equal(got, texts(bodies(8, 2))) || !more {
		t.Errorf("got %v, more %v", got, more)
	}
	// The messages are deleted after the offsets were requested and before they are read.
	client, _ := b.shared()
	p := &peek{b: b, limit: 100}
	spans, err := p.spans(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	spans[0].start = 0
	var got []string
	if _, err := p.partition(t.Context(), client, &spans[0], func(m bus.Message, _ error) bool { got = append(got, string(m.Body)); return true }); err != nil || !slices.Equal(got, texts(bodies(4, 6))) {
		t.Errorf("got %v, %v", got, err)
	}
}
