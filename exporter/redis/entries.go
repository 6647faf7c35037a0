package redis

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

// A part is a range of a list's entries, or all of a string, and what it holds.
type part struct {
	key      string
	from, to int64 // indexes from the list's end, -1 is the one that was written first
	values   []string
	err      error // that the key is of another type
}

// An entry is what stands in a list.
type entry struct {
	osprofiler.Notification

	key string // of the list
	err error  // that it cannot be read; of a key that is no list the only entry
}

// entries reads what stands in pages of lists. While the caller works on the
// entries of one page, those of the next are got and parsed.
func entries(ctx context.Context, pages func(context.Context) iter.Seq2[[]part, error]) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for page, err := range backend.Ahead(ctx, func(ctx context.Context) iter.Seq2[[]entry, error] { return parsed(pages(ctx)) }) {
			if err != nil {
				yield(entry{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
		}
	}
}

// parsed parses pages. The caller may keep a page until it has got the next one.
func parsed(pages iter.Seq2[[]part, error]) iter.Seq2[[]entry, error] {
	return func(yield func([]entry, error) bool) {
		var page, next []entry
		for parts, err := range pages {
			page, next = next[:0], page
			for i := range parts {
				page = parts[i].appendEntries(page)
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

func (p *part) appendEntries(all []entry) []entry {
	if p.err != nil {
		return append(all, entry{key: p.key, err: damagedKey(p.key, errNoList)})
	}
	for i, text := range p.values {
		n, err := listEntry(p.key, text, p.from+int64(i))
		all = append(all, entry{n, p.key, err})
	}
	return all
}
