package paging

import "cmp"

// PageBytes is the number of bytes that a page should have by default.
const PageBytes = 4 << 20

// growth is the largest ratio of the items of a page to the items that were read so far,
// because the average size of few items says little about many.
const growth = 8

// A Pager computes how many items to ask for at once, so that the answer has about
// as many bytes as a page should have. It learns the size of the items from
// the items that were read. The zero Pager asks for one item first.
//
// A Pager belongs to one sequence of pages and is not for several goroutines.
type Pager struct {
	// First is the number of items to ask for before any size is known. The first
	// page has as many bytes as these items have. So First should be small,
	// unless the store itself ends a page that becomes large. 0 stands for 1.
	First int
	// Most is the largest number of items of a page; 0 means no limit.
	Most int
	// Bytes is the largest number of bytes that a page should have, unless a single
	// item has more; 0 stands for PageBytes.
	Bytes int

	items, bytes         int // read so far, old ones at half their weight
	lastItems, lastBytes int // of the last page
}

// Next returns the number of items to ask for now, at least 1.
func (p *Pager) Next() int {
	most := p.Most
	if most <= 0 {
		most = int(^uint(0) >> 1)
	}
	if p.items == 0 {
		return min(most, max(1, p.First))
	}
	room := float64(cmp.Or(p.Bytes, PageBytes))
	fit := room / max(average(p.items, p.bytes), average(p.lastItems, p.lastBytes))
	return int(max(1, min(float64(most), fit, float64(growth*p.items))))
}

// Add records the number of items of a page that was read, and of their bytes. A
// page without items changes nothing.
func (p *Pager) Add(items, bytes int) {
	if items <= 0 {
		return
	}
	if p.items > memory { // old items should count less
		p.items, p.bytes = p.items/2, p.bytes/2
	}
	p.items, p.bytes = p.items+items, p.bytes+bytes
	p.lastItems, p.lastBytes = items, bytes
}

// memory is the number of items that have their full weight in the average.
const memory = 8192

// average returns the average size of items, at least one byte.
func average(items, bytes int) float64 {
	return max(1, float64(bytes)/float64(max(1, items)))
}

// AddTexts is Add for items that are texts.
func (p *Pager) AddTexts(texts ...string) {
	bytes := 0
	for _, text := range texts {
		bytes += len(text)
	}
	p.Add(len(texts), bytes)
}
