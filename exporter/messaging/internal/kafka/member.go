package kafka

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// A member is a client in a consumer group.
type member struct {
	b      *cluster
	watch  watch
	client *kgo.Client
	cancel context.CancelFunc // ends requests of client
	once   sync.Once          // for close

	committing sync.Mutex // held while offsets are chosen and committed; locked before mu

	mu       sync.Mutex
	assigned map[place]*assignment
	joined   time.Time // when the group gave this member its partitions; zero before
	polled   []polled  // messages that were not yielded yet
}

// A polled message is one that the library returned while its partition was assigned.
type polled struct {
	record *kgo.Record
	from   *assignment
}

// join returns a new member, which joins the group in the background.
func (b *cluster) join() (*member, error) {
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{b: b, cancel: cancel, assigned: map[place]*assignment{}}
	client, err := kgo.NewClient(append(b.common(&m.watch),
		kgo.WithContext(ctx),
		kgo.ConsumerGroup(b.group),
		kgo.ConsumeTopics(b.config.Topics...),
		// Listeners of oslo.messaging know only the second balancer. In a group with such
		// listeners, each change of the members takes all partitions away for a moment.
		kgo.Balancers(kgo.CooperativeStickyBalancer(), kgo.RangeBalancer()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		// After a loss of data, acknowledged messages may be delivered again, but no message
		// is skipped.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(), // until poll has recorded to which assignment the messages belong
		kgo.FetchMaxBytes(max(mostBuffered, b.partitionBytes)),
		kgo.FetchMaxWait(time.Second),
		kgo.MetadataMinAge(time.Second),    // so that a new topic is found soon
		kgo.MetadataMaxAge(30*time.Second), // so that a new partition is found soon
		kgo.OnPartitionsAssigned(m.onAssigned),
		kgo.OnPartitionsRevoked(m.onRevoked),
		kgo.OnPartitionsLost(m.onLost),
	)...)
	if err != nil {
		cancel()
		return nil, b.explain(context.Background(), &m.watch, err)
	}
	m.client = client
	return m, nil
}

// mostBuffered is the largest number of bytes that the library buffers from one broker.
const mostBuffered = 16 << 20

// unjoined returns the error of a member that got no partitions.
func (b *cluster) unjoined(after time.Duration) error {
	return explained.New(kerr.RebalanceInProgress, "the consumer group %q of %s has given this member no partitions for %v", b.group, b.name, after)
}

// onAssigned is called for each new assignment, also if it has no partitions.
func (m *member) onAssigned(_ context.Context, _ *kgo.Client, added map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range added {
		for _, partition := range partitions {
			m.assigned[place{topic, partition}] = &assignment{}
		}
	}
	m.joined = time.Now()
}

// onRevoked is called at the end of each generation of the group, with the partitions that go
// to other members. It commits the acknowledged offsets.
func (m *member) onRevoked(ctx context.Context, _ *kgo.Client, revoked map[string][]int32) {
	bounded, cancel := context.WithTimeout(ctx, m.b.config.Timeout)
	defer cancel()
	_ = m.commit(bounded) // uncommitted messages are delivered again
	m.forget(revoked)
}

// onLost is called if the group has gone on without this member.
func (m *member) onLost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	m.forget(lost)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joined = time.Time{}
}

func (m *member) forget(gone map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range gone {
		for _, partition := range partitions {
			delete(m.assigned, place{topic, partition})
		}
	}
}

// since returns when the group gave this member its partitions, or the zero time.
func (m *member) since() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joined
}

// poll waits for messages and keeps them for next.
func (m *member) poll(ctx context.Context, wait time.Duration) (some bool, errs []error) {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := m.client.PollRecords(waiting, m.b.pollRecords)
	defer m.client.AllowRebalance()
	m.mu.Lock()
	defer m.mu.Unlock()
	fetches.EachRecord(func(record *kgo.Record) {
		if a := m.assigned[place{record.Topic, record.Partition}]; a != nil {
			m.polled = append(m.polled, polled{record, a})
		}
	})
	fetches.EachError(func(topic string, _ int32, err error) {
		switch {
		case waiting.Err() != nil && errors.Is(err, waiting.Err()):
		case topic != "":
			errs = append(errs, &topicError{topic, err})
		default:
			errs = append(errs, err)
		}
	})
	return len(m.polled) > 0, errs
}

// next returns the next polled message and its assignment. It skips messages whose partition
// the group has taken away.
func (m *member) next() (*kgo.Record, *assignment, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.polled) > 0 {
		p := m.polled[0]
		m.polled[0] = polled{}
		m.polled = m.polled[1:]
		if m.assigned[place{p.record.Topic, p.record.Partition}] == p.from {
			return p.record, p.from, true
		}
	}
	return nil, nil, false
}

// close commits the acknowledged offsets and leaves the group. If the brokers do not answer in
// time or before ctx ends, close gives up, and the group waits until the session expires.
func (m *member) close(ctx context.Context) {
	m.once.Do(func() {
		bounded, done := context.WithTimeout(ctx, m.b.config.Timeout)
		defer done()
		defer context.AfterFunc(bounded, m.cancel)()
		m.client.CloseAllowingRebalance()
		m.cancel()
	})
}

// behind returns, for the partitions of this member, the spans that the member has not
// received.
func (m *member) behind(ctx context.Context) ([]span, error) {
	positions := m.positions()
	spans := make([]span, 0, len(positions))
	for p := range positions {
		spans = append(spans, span{place: p})
	}
	if len(spans) == 0 {
		return nil, m.b.ping(ctx, m.client)
	}
	sortSpans(spans)
	ends, err := offsetsAt(ctx, m.client, spans, latest)
	if err != nil {
		return nil, err
	}
	starts, err := offsetsAt(ctx, m.client, spans, earliest)
	if err != nil {
		return nil, err
	}
	for i := range spans {
		s := &spans[i]
		s.start, s.end = max(positions[s.place], starts[s.place]), ends[s.place]
	}
	return slices.DeleteFunc(spans, func(s span) bool { return s.start >= s.end }), nil
}

// positions returns the offset of the next message for each partition. It is 0 for
// a partition without a committed offset of which no message came.
func (m *member) positions() map[place]int64 {
	committed := m.client.CommittedOffsets()
	m.mu.Lock()
	defer m.mu.Unlock()
	positions := make(map[place]int64, len(m.assigned))
	for p, a := range m.assigned {
		positions[p] = a.position
		if offset, ok := committed[p.topic][p.partition]; ok {
			positions[p] = max(a.position, offset.Offset)
		}
	}
	return positions
}
