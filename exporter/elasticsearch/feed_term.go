package elasticsearch

import (
	"context"

	"github.com/osprofiler-otel/osprofiler/internal/gaps"
)

// When another copy of a shard becomes the primary, the new primary may lack the
// last documents of the old one. No client was told that these documents are stored.
// The new primary gives their sequence numbers to other documents, with a larger
// primary term.

// mostReplaced is how many of the last numbers a new primary may assign a second time.
// A shard has fewer operations in progress.
const mostReplaced = 1 << 14

// replaced has the numbers that were passed before a new primary assigned them a
// second time.
type replaced struct {
	until int64     // the largest of these numbers
	term  int64     // documents of larger terms are new
	gaps  gaps.List // numbers at which no document had been seen
}

// isNew reports whether a document was not yet passed when its number was assigned
// a second time.
func (r *replaced) isNew(h *hit) bool {
	number := h.number + 1
	if number > r.until || h.term > r.term {
		return true
	}
	for i := range r.gaps {
		if r.gaps[i].Holds(number) {
			return true
		}
	}
	return false
}

// check moves the position back if numbers may have been given again. It looks for
// the document that was passed last. Usually the document is there. It may also have
// been deleted or written again. Then the primary terms of the newest documents
// decide.
func (s *shardFeed) check(ctx context.Context) error {
	r := s.request(s.number-1, nil)
	r.size, r.fields = 1, []string{}
	a, err := s.search(ctx, &r)
	if err != nil {
		return err
	}
	if len(a.hits) > 0 && a.hits[0].number == s.number-1 {
		switch h := &a.hits[0]; {
		case h.term <= s.term && (s.mark == 0 || markOf(h) == s.mark):
			return nil
		case h.term <= s.term:
			return s.wrongCursor() // another index
		}
	}
	r.query, r.sort = nil, []object{{sequenceNumber: object{"order": "desc"}}}
	if a, err = s.search(ctx, &r); err != nil || len(a.hits) == 0 || a.hits[0].term <= s.term {
		return err
	}
	s.goBack(a.hits[0].term)
	return nil
}

// goBack moves the position in front of the numbers that may have been assigned a
// second time with a larger primary term.
func (s *shardPosition) goBack(term int64) {
	s.replaced = replaced{until: s.number, term: s.term, gaps: s.gaps}
	s.number = max(0, s.number-mostReplaced)
	s.gaps = append(gaps.List(nil), s.gaps...).Below(s.number + 1)
	s.term, s.mark, s.late = term, 0, nil
}
