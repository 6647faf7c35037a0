package paging_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/paging"
)

// read reads items of these sizes in pages, and returns the number of bytes of each
// page.
func read(p *paging.Pager, sizes []int) (pages []int) {
	for len(sizes) > 0 {
		page := sizes[:min(p.Next(), len(sizes))]
		sizes = sizes[len(page):]
		bytes := 0
		for _, size := range page {
			bytes += size
		}
		p.Add(len(page), bytes)
		pages = append(pages, bytes)
	}
	return pages
}

func TestPagerNext(t *testing.T) {
	for _, c := range []struct {
		name         string
		pager        paging.Pager
		items, bytes int // of the page that was read
		want         int
	}{
		{"nothing is known", paging.Pager{}, 0, 0, 1},
		{"nothing is known, but what the back end says", paging.Pager{First: 225}, 0, 0, 225},
		{"more at first than at most", paging.Pager{First: 225, Most: 9}, 0, 0, 9},
		{"small items", paging.Pager{}, 10, 100, 80},
		{"small items, with a limit", paging.Pager{Most: 50}, 10, 100, 50},
		{"empty items", paging.Pager{}, 10, 0, 80},
		{"items of which some fit", paging.Pager{}, 14, 14 * 300_000, 13},
		{"an item larger than a page", paging.Pager{}, 1, 2 * paging.PageBytes, 1},
		{"a page of its own size", paging.Pager{Bytes: 1000}, 10, 1000, 10},
		{"an empty page", paging.Pager{First: 3}, 0, 500, 3},
	} {
		p := c.pager
		p.Add(c.items, c.bytes)
		if got := p.Next(); got != c.want {
			t.Errorf("%s: Next() = %d, want %d", c.name, got, c.want)
		}
	}
}

// With items of equal size, no page is larger than it should be, not even the first,
// and there are few pages.
func TestPagerOfEqualItems(t *testing.T) {
	for _, c := range []struct{ size, count, pages int }{
		{600, 50_000, 12}, {1 << 20, 512, 131}, {16 << 20, 5, 5}, {1, 100_000, 7},
	} {
		pages := read(&paging.Pager{}, slices.Repeat([]int{c.size}, c.count))
		if largest := slices.Max(pages); largest > max(paging.PageBytes, c.size) || len(pages) > c.pages {
			t.Errorf("%d items of %d bytes: %d pages, want %d; the largest has %d bytes", c.count, c.size, len(pages), c.pages, largest)
		}
	}
}

// If items become larger, the next page is smaller at once, regardless of the number
// of small items before.
func TestPagerOfGrowingItems(t *testing.T) {
	p := &paging.Pager{Most: 4096}
	read(p, slices.Repeat([]int{100}, 1_000_000))
	p.AddTexts(string(make([]byte, 1<<20)), string(make([]byte, 1<<20)))
	if got := p.Next(); got != 4 {
		t.Errorf("after two items of 1 MiB it asks for %d, want 4", got)
	}
	p.Add(4096, 100*4096)
	read(p, slices.Repeat([]int{100}, 100_000))
	if got := p.Next(); got != 4096 {
		t.Errorf("after many small items it asks for %d, want 4096", got)
	}
}

// For all sizes, a page has at least one item, and no more than the limits allow.
func TestPagerLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &paging.Pager{
			First: rapid.IntRange(0, 300).Draw(t, "first"), Most: rapid.IntRange(0, 1000).Draw(t, "most"), Bytes: rapid.IntRange(0, 1<<20).Draw(t, "bytes"),
		}
		all := 0
		for range rapid.IntRange(0, 20).Draw(t, "pages") {
			asked := p.Next()
			if asked < 1 || p.Most > 0 && asked > p.Most || asked > max(1, p.First, 8*all) {
				t.Fatalf("after %d items it asks for %d: %+v", all, asked, p)
			}
			read := rapid.IntRange(0, asked).Draw(t, "items")
			all += read
			p.Add(read, rapid.IntRange(0, min(math.MaxInt, 1<<40)).Draw(t, "size"))
		}
	})
}
