package kafka

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An assignment is a partition while the group gives it to this member.
type assignment struct {
	position  int64      // after the last message that was yielded
	unacked   []delivery // in the order of their numbers
	acked     kgo.EpochOffset
	committed kgo.EpochOffset
}

// A delivery is a message that was yielded but not acknowledged. next is the offset to commit.
type delivery struct {
	number uint64
	next   kgo.EpochOffset
	left   bool // the message is not ours
}

// delivered records a yielded message.
func (m *member) delivered(a *assignment, r *kgo.Record, number uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a.position = r.Offset + 1
	a.unacked = append(a.unacked, delivery{number: number, next: kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1}})
}

// passOver records that a message is not ours. In a run of such messages only the newest is
// remembered, because a topic may have any number of them.
func (m *member) passOver(number uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.assigned {
		i, ok := slices.BinarySearchFunc(a.unacked, number, func(d delivery, n uint64) int { return cmp.Compare(d.number, n) })
		if !ok {
			continue
		}
		a.unacked[i].left = true
		if i > 0 && a.unacked[i-1].left {
			a.unacked = slices.Delete(a.unacked, i-1, i)
		}
		return
	}
}

// acknowledge commits the offsets after the messages up to a number.
func (m *member) acknowledge(ctx context.Context, number uint64) error {
	m.mu.Lock()
	for _, a := range m.assigned {
		end := 0
		for end < len(a.unacked) && a.unacked[end].number <= number {
			end++
		}
		if end > 0 {
			a.acked = a.unacked[end-1].next
			a.unacked = a.unacked[end:]
		}
	}
	m.mu.Unlock()
	bounded, cancel := context.WithTimeout(ctx, m.b.config.Timeout)
	defer cancel()
	return m.commit(bounded)
}

// commit commits the offsets of acknowledged messages that are not committed yet. The group
// cannot take a partition away during commit, because onRevoked commits first.
func (m *member) commit(ctx context.Context) (err error) {
	m.committing.Lock()
	defer m.committing.Unlock()
	offsets, of := m.uncommitted()
	if len(of) == 0 {
		return nil
	}
	m.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, failure error) {
		if err = failure; err == nil {
			err = m.note(response, offsets, of)
		}
	})
	return err
}

// uncommitted returns the offsets to commit, with the spans to which they belong.
func (m *member) uncommitted() (map[string]map[int32]kgo.EpochOffset, map[place]*assignment) {
	offsets, of := map[string]map[int32]kgo.EpochOffset{}, map[place]*assignment{}
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, a := range m.assigned {
		if a.acked == a.committed {
			continue
		}
		if offsets[p.topic] == nil {
			offsets[p.topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[p.topic][p.partition], of[p] = a.acked, a
	}
	return offsets, of
}

// note records which offsets the coordinator has committed. If the group has gone on without
// this member, the group delivers the messages again. This is no error.
func (m *member) note(response *kmsg.OffsetCommitResponse, offsets map[string]map[int32]kgo.EpochOffset, of map[place]*assignment) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var failure error
	for _, topic := range response.Topics {
		for _, partition := range topic.Partitions {
			err := kerr.ErrorForCode(partition.ErrorCode)
			if err == nil {
				if a := of[place{topic.Topic, partition.Partition}]; a != nil {
					a.committed = offsets[topic.Topic][partition.Partition]
				}
				continue
			}
			if !errors.Is(err, kerr.UnknownTopicOrPartition) { // deleted in the meantime
				failure = errors.Join(failure, &topicError{topic.Topic, err})
			}
		}
	}
	return failure
}

// sortSpans sorts spans by topic and partition.
func sortSpans(spans []span) {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
}
