package redis

import "github.com/osprofiler-otel/osprofiler/internal/paging"

const (
	// firstEntries is how many entries the first request asks for, because
	// nothing is known about their sizes.
	firstEntries = 8
	// maxEntries is how many entries one answer has at most.
	maxEntries = 4096
)

// A sizer computes how many entries the next request may ask for, so that its
// answer has at most 4 MiB if its entries are as large as the previous ones.
type sizer struct {
	pager          paging.Pager
	entries, lists int64 // received so far
}

// next returns how many entries the next request may ask for.
func (s *sizer) next() int64 {
	s.pager.First, s.pager.Most = firstEntries, maxEntries
	return int64(s.pager.Next())
}

// perList returns more than the number of entries that a list usually has.
func (s *sizer) perList() int64 {
	if s.lists == 0 {
		return firstEntries
	}
	return min(max(2*s.entries/s.lists, 4)+1, maxEntries/8)
}

// addParts records the sizes of entries that were received.
func (s *sizer) addParts(parts []listPart) {
	count, bytes := 0, 0
	for _, part := range parts {
		count += len(part.entries)
		for _, entry := range part.entries {
			bytes += len(entry)
		}
	}
	s.pager.Add(count, bytes)
	s.entries += int64(count)
}
