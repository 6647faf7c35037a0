package redis

import (
	"context"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An entry is a notification, or the reason why it cannot be read.
type entry struct {
	osprofiler.Notification

	err error
}

// Notifications implements driver.Reader. The order is that of Python's driver:
// first the notifications under legacy keys, then those of the trace's list, the
// newest first in both groups. While the caller works on one page of the list,
// the next page is fetched and parsed.
func (d *database) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for n, err := range d.legacyOf(ctx, baseID) {
			if !yield(n.Notification, err) || store.Ends(err) {
				return
			}
		}
		list := func(ctx context.Context) iter.Seq2[[]entry, error] { return d.listPages(ctx, listPrefix+baseID) }
		for page, err := range paging.Ahead(ctx, list) {
			if err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			for i := range page {
				if !yield(page[i].Notification, page[i].err) {
					return
				}
			}
		}
	}
}

// listPages yields the entries of one list page by page, the newest first. It
// first gets the oldest entries together with the length of the list. For a
// short list these are all entries. For a long list, their sizes determine how
// many entries one page may have.
func (d *database) listPages(ctx context.Context, key string) iter.Seq2[[]entry, error] {
	return func(yield func([]entry, error) bool) {
		var sizes sizer
		oldest, length, err := d.open(ctx, &sizes, key, firstEntries)
		if err != nil {
			yield(nil, err)
			return
		}
		rest, isShorter := listRange{key, oldest.newest + 1, length}, false
		for parts, err := range d.pages(ctx, &sizes, []listRange{rest}, false) {
			if err != nil {
				yield(nil, err)
				return
			}
			entries := parseEntries(&parts[0])
			if int64(len(parts[0].entries)) < parts[0].len() && !isShorter {
				isShorter = true
				entries = append(entries, entry{err: damagedKey(key, errShorter)})
			}
			if !yield(entries, nil) {
				return
			}
		}
		yield(parseEntries(&oldest), nil)
	}
}

// parseEntries parses the entries of a part of a list.
func parseEntries(p *listPart) []entry {
	if p.err != nil {
		return []entry{{err: damagedKey(p.key, p.err)}}
	}
	entries := make([]entry, len(p.entries), len(p.entries)+1)
	for i, text := range p.entries {
		entries[i].Notification, entries[i].err = parseEntry(p.key, text, p.number(i))
	}
	return entries
}
