package kafka

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A relayed collects the messages that several relays of one group receive and acknowledge.
type relayed struct {
	count        int // the number of messages
	mu           sync.Mutex
	received     map[string]int   // how often each message came
	acknowledged map[string]bool  // the messages that a relay acknowledged
	unfinished   map[string]bool  // the messages that a relay left without acknowledging them
	late         map[string]int   // the messages that came after they were acknowledged
	relays       map[string][]int // by key, the relays that got a message of it
}

func newRelayed(count int) *relayed {
	return &relayed{count: count, received: map[string]int{}, acknowledged: map[string]bool{}, unfinished: map[string]bool{}, late: map[string]int{}, relays: map[string][]int{}}
}

// relay receives and acknowledges every batch messages, until stop is closed or the
// relays together have acknowledged all. If it stops, it leaves messages without
// acknowledging them.
func (r *relayed) relay(t *testing.T, name int, c bus.Consumption, batch int, stop <-chan struct{}) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for goesOn := true; goesOn && ctx.Err() == nil && !r.isDone(); {
		goesOn = r.turn(ctx, t, name, c, batch, stop)
	}
}

// turn is relay until no message has come for a second. It returns false if the relay stops.
func (r *relayed) turn(ctx context.Context, t *testing.T, name int, c bus.Consumption, batch int, stop <-chan struct{}) bool {
	var held []bus.Message
	for m, err := range c.Receive(ctx, time.Second) {
		if err != nil {
			t.Error(err)
			return false
		}
		r.note(name, m)
		held = append(held, m)
		if len(held) == batch {
			r.acknowledge(t, c, held)
			held = nil
		}
		select {
		case <-stop:
			if len(held) > batch/2 {
				r.left(held)
				return false
			}
		default:
		}
	}
	r.acknowledge(t, c, held)
	return true
}

func (r *relayed) isDone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.acknowledged) >= r.count
}

func (r *relayed) note(name int, m bus.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := string(m.Body)
	r.received[text]++
	if r.acknowledged[text] {
		r.late[text]++
	}
	var fields struct{ Key string }
	_ = json.Unmarshal(m.Body, &fields)
	if key := fields.Key; !slices.Contains(r.relays[key], name) {
		r.relays[key] = append(r.relays[key], name)
	}
}

func (r *relayed) left(held []bus.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range held {
		r.unfinished[string(m.Body)] = true
	}
}

func (r *relayed) acknowledge(t *testing.T, c bus.Consumption, held []bus.Message) {
	if len(held) == 0 {
		return
	}
	if err := c.Acknowledge(t.Context(), held[len(held)-1].Number); err != nil {
		t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range held {
		r.acknowledged[string(m.Body)] = true
	}
}

// Two relays share four partitions. The first leaves in the middle, with unacknowledged
// messages. The other one gets these messages again and all that follow, but no acknowledged
// ones.
func TestTwoRelays(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	view(t, url).CreateTopic(b.topic(), 4, 1)
	const count = 4000
	first, second := consumer(t, b), consumer(t, b)
	for _, c := range []bus.Consumption{first, second} {
		receive(t, c, time.Millisecond, 1) // it joins the group
	}
	awaitShares(t, []bus.Consumption{first, second}, 2)
	r := newRelayed(count)
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		r.relay(t, 1, first, 37, stop)
		first.Close()
	})
	done.Go(func() { r.relay(t, 2, second, 50, nil) })
	for from := 0; from < count; from += 100 {
		if from == count/2 {
			close(stop)
		}
		mustPublish(t, b, bodies(from, 100)...)
	}
	done.Wait()
	r.check(t)
	if len(r.unfinished) == 0 || len(r.relays) == 0 {
		t.Error("the first relay left nothing for the other one")
	}
	var sum int64
	for _, at := range view(t, url).Committed(defaultGroup, b.topic()) {
		sum += at
	}
	if sum != count {
		t.Errorf("the group has committed %d of %d messages", sum, count)
	}
}

func (r *relayed) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.received) != r.count || len(r.acknowledged) != r.count {
		t.Errorf("%d of %d messages were received, %d acknowledged", len(r.received), r.count, len(r.acknowledged))
	}
	twice := 0
	for text, times := range r.received {
		if times > 1 {
			twice++
		}
		if r.unfinished[text] && times < 2 {
			t.Errorf("%s came only to the relay that left it", text)
		}
	}
	t.Logf("%d messages came more than once; a relay left %d", twice, len(r.unfinished))
	if len(r.late) > 0 {
		t.Errorf("%d messages came although they were acknowledged", len(r.late))
	}
}

// Messages of one key reach one relay, as long as the members of the group stay the same. So
// both halves of an operation reach the same relay.
func TestHalvesMeet(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	view(t, url).CreateTopic(b.topic(), 4, 1)
	relays := []bus.Consumption{consumer(t, b), consumer(t, b)}
	for _, c := range relays {
		receive(t, c, time.Millisecond, 1)
	}
	awaitShares(t, relays, 2)
	const traces = 200
	var messages []bus.Outgoing
	for _, half := range []string{"start", "stop"} {
		for i := range traces {
			key := bodies(i, 1)[0].Key + "-" + string(rune('a'+i/10))
			body, _ := json.Marshal(map[string]string{"key": key, "half": half})
			messages = append(messages, bus.Outgoing{Key: key, Body: body})
		}
	}
	mustPublish(t, b, messages...)
	r := newRelayed(2 * traces)
	var done sync.WaitGroup
	for i, c := range relays {
		done.Go(func() { r.relay(t, i, c, 10, nil) })
	}
	done.Wait()
	r.check(t)
	per := map[int]int{}
	for key, names := range r.relays {
		if len(names) != 1 {
			t.Errorf("the messages of %q reached the relays %v", key, names)
		}
		per[names[0]]++
	}
	if len(per) != 2 {
		t.Errorf("the relays got %v keys", per)
	}
}

// awaitShares waits until each member has the number of partitions.
func awaitShares(t *testing.T, relays []bus.Consumption, partitions int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ready := true
		for _, c := range relays {
			m := c.(*consumption).member
			m.mu.Lock()
			ready = ready && len(m.assigned) == partitions
			m.mu.Unlock()
		}
		if ready {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the group does not share its partitions")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// When a partition went to another member, the numbers of its messages are no longer valid:
// acknowledging them commits nothing.
func TestOldNumbers(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	view(t, url).CreateTopic(b.topic(), 2, 1)
	mustPublish(t, b, bodies(0, 100)...)
	first := consumer(t, b)
	got := receive(t, first, patience, 100)
	second := consumer(t, b)
	early := receive(t, second, time.Millisecond, 1)
	awaitShares(t, []bus.Consumption{first, second}, 1)
	acknowledge(t, first, got[len(got)-1].Number)
	committed := view(t, url).Committed(defaultGroup, b.topic())
	if len(committed) != 1 {
		t.Fatalf("committed are %v", committed)
	}
	rest := len(early) + len(receive(t, second, 2*time.Second, 100))
	for partition, at := range committed {
		if rest+int(at) != 100 {
			t.Errorf("partition %d is committed up to %d; the other member got %d messages", partition, at, rest)
		}
	}
}

// A consumption shares the partitions of a group with a listener of oslo.messaging,
// whose library divides them by range or round-robin. The listener joins later.
func TestGroupWithAListener(t *testing.T) {
	url := testenv.Kafka(t)
	b := open(t, url)
	view(t, url).CreateTopic(b.topic(), 2, 1)
	c := consumer(t, b)
	mustPublish(t, b, bodies(0, 100)...)
	got := receive(t, c, patience, 100)
	acknowledge(t, c, got[99].Number)
	listener := otherMember(t, b, kgo.RangeBalancer(), kgo.RoundRobinBalancer())
	defer listener.Close()
	awaitShares(t, []bus.Consumption{c}, 1)
	mustPublish(t, b, bodies(100, 100)...)
	ours := receive(t, c, 2*time.Second, 100)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	theirs := 0
	for theirs < 100-len(ours) && ctx.Err() == nil {
		theirs += listener.PollFetches(ctx).NumRecords()
	}
	if len(ours) == 0 || theirs == 0 || len(ours)+theirs != 100 {
		t.Errorf("of 100 messages we got %d and the listener %d", len(ours), theirs)
	}
}
