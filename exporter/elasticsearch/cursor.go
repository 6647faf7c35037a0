package elasticsearch

import (
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/cursor"
	"github.com/osprofiler-otel/osprofiler/internal/gaps"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

var codec = cursor.Codec{Prefix: "es1", Kind: "Elasticsearch or OpenSearch"}

// mostIndices is how many indices a cursor may have.
const mostIndices = 1 << 16

// cursorOf returns a cursor with the positions in all indices. The cursor is empty,
// which stands for the beginning, if no document was passed.
func cursorOf(indices []*indexPosition) driver.Cursor {
	var w cursor.Writer
	w.Uint(uint64(len(indices)))
	hasCome := false
	for _, index := range indices {
		hasCome = hasCome || index.hasCome()
		w.Text(index.identity)
		w.Uint(uint64(len(index.shards)))
		for i := range index.shards {
			index.shards[i].write(&w)
		}
	}
	if !hasCome {
		return ""
	}
	return driver.Cursor(codec.Encode(w.Body()))
}

func (s *shardPosition) write(w *cursor.Writer) {
	w.Uint(uint64(s.number))
	if s.number == 0 {
		return
	}
	w.Uint(uint64(s.term))
	w.Uint32(s.mark)
	slices.Clone(s.gaps).Bounded(gaps.InCursor).Write(w)
}

// parseCursor reads a cursor that cursorOf wrote. It refuses any other text.
func parseCursor(from driver.Cursor) (indices []indexPosition, err error) {
	r, err := codec.Decode(string(from))
	if err != nil {
		return nil, err
	}
	var again []*indexPosition
	for range r.Count(mostIndices) {
		index := indexPosition{identity: r.Text()}
		for range r.Count(mostShards) {
			s, ok := readShard(r)
			if !ok {
				return nil, codec.Invalid(string(from))
			}
			index.shards = append(index.shards, s)
		}
		if !r.OK() {
			break
		}
		indices, again = append(indices, index), append(again, &index)
	}
	if !r.Done() || cursorOf(again) != from {
		return nil, codec.Invalid(string(from))
	}
	return indices, nil
}

func readShard(r *cursor.Reader) (s shardPosition, ok bool) {
	if s.number = int64(r.Uint()); s.number == 0 {
		return s, r.OK()
	}
	s.term, s.mark = int64(r.Uint()), r.Uint32()
	s.gaps, ok = gaps.Read(r)
	return s, ok && s.number > 0 && s.term >= 0 && (len(s.gaps) == 0 || s.gaps[len(s.gaps)-1].To < s.number)
}
