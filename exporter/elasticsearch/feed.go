package elasticsearch

import (
	"context"
	"hash/crc32"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/gaps"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A feed follows the indices of a name by the sequence numbers of their documents.
// Each shard of an index numbers its operations: a document is written, overwritten or
// deleted. A number that is not visible yet may become visible later, because
// documents are written concurrently, and the copies of a shard show documents at
// different times. So the feed remembers the numbers without a document that it
// passed within the last hour, and looks for documents with these numbers first.
//
// A search sees the documents of the last refresh of an index.
type feed struct {
	*cluster

	from    driver.Cursor // until the first poll; then empty
	resumed []indexPosition
	indices []*indexPosition
}

// An indexPosition says how far a feed has come in one index.
type indexPosition struct {
	name     string // empty if it was read from a cursor
	identity string
	shards   []shardPosition
}

// A shardPosition says how far a feed has come in one shard. A document's number
// is its sequence number plus 1, so that 0 stands for none.
type shardPosition struct {
	number int64  // the largest one that was passed
	term   int64  // the largest primary term of a document that was passed
	mark   uint32 // a checksum of the id of the document with the number; 0 if it is not known
	gaps   gaps.List

	late     *latePass // that a poll left; nil if none
	replaced replaced
}

// Feed implements driver.Feeder. It does not use the cluster yet.
func (c *cluster) Feed(_ context.Context, from driver.Cursor) (driver.Feed, error) {
	f := &feed{cluster: c, from: from}
	if from == "" {
		return f, nil
	}
	var err error
	if f.resumed, err = parseCursor(from); err != nil {
		return nil, err
	}
	return f, nil
}

// Cursor implements driver.Feed.
func (f *feed) Cursor() driver.Cursor {
	if f.from != "" {
		return f.from
	}
	return cursorOf(f.indices)
}

// Close implements driver.Feed.
func (*feed) Close() error { return nil }

// Poll implements driver.Feed.
func (f *feed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		if err := f.find(ctx); err != nil {
			yield(osprofiler.Notification{}, err)
			return
		}
		now := time.Now().Unix() / gaps.Period
		for _, index := range f.indices {
			for i := range index.shards {
				s := &shardFeed{feed: f, shardPosition: &index.shards[i], index: index.name, shard: i, now: now, yield: yield}
				if err := s.poll(ctx); err != nil {
					yield(osprofiler.Notification{}, err)
					return
				}
				if s.left {
					return
				}
			}
		}
	}
}

// find updates the positions to the indices that exist now.
func (f *feed) find(ctx context.Context) error {
	found, err := f.currentIndices(ctx)
	if err != nil {
		return err
	}
	if f.from != "" {
		return f.resume(found)
	}
	var indices []*indexPosition
	for _, index := range found {
		for _, known := range f.indices {
			if known.name == index.name && known.identity != index.identity && known.hasCome() {
				return f.wrongCursor() // the index was deleted and created again
			}
			if known.identity == index.identity {
				index = known
			}
		}
		indices = append(indices, index)
	}
	if len(indices) == 0 && f.hasCome() {
		return f.wrongCursor()
	}
	f.indices = indices
	return nil
}

// resume sets the positions to the cursor of the feed. If at least one index is in the
// cursor, an index that is not in the cursor is a new one. An index that no longer
// exists was dropped by the operator's retention.
func (f *feed) resume(found []*indexPosition) error {
	known := false
	for _, index := range found {
		for _, r := range f.resumed {
			if r.identity == index.identity && len(r.shards) == len(index.shards) {
				index.shards, known = r.shards, true
			}
		}
	}
	if !known {
		return codec.Foreign(string(f.from), f.name)
	}
	f.indices, f.from, f.resumed = found, "", nil
	return nil
}

// wrongCursor returns the error about a position in an index that does not exist.
func (f *feed) wrongCursor() error { return codec.Foreign(string(f.Cursor()), f.name) }

func (f *feed) hasCome() bool {
	for _, index := range f.indices {
		if index.hasCome() {
			return true
		}
	}
	return false
}

// hasCome reports whether a document of the index was passed.
func (i *indexPosition) hasCome() bool {
	for _, s := range i.shards {
		if s.number > 0 {
			return true
		}
	}
	return false
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pass moves the position to a document, or removes its number from a gap.
func (s *shardPosition) pass(h *hit, now int64) {
	number := h.number + 1
	s.term = max(s.term, h.term)
	if number <= s.number {
		s.gaps = s.gaps.Without(number)
		return
	}
	if number > s.number+1 {
		s.gaps = s.gaps.Recent(now, number).Add(s.number+1, number-1, now)
	}
	s.number, s.mark = number, markOf(h)
}

func markOf(h *hit) uint32 { return crc32.Checksum([]byte(h.id), castagnoli) }

var _ driver.Feeder = (*cluster)(nil)
