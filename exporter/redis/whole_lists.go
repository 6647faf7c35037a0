package redis

import (
	"context"
	"iter"
)

// wholeLists yields all entries of lists, page by page. The parts of one list
// follow each other.
func (d *database) wholeLists(ctx context.Context, sizes *sizer, keys []string) iter.Seq2[[]listPart, error] {
	return func(yield func([]listPart, error) bool) {
		for len(keys) > 0 {
			left := sizes.next()
			count := min(left, sizes.perList())
			group := keys[:min(int64(len(keys)), left/count)]
			keys = keys[len(group):]
			if !d.wholeGroup(ctx, sizes, group, count, yield) {
				return
			}
		}
	}
}

// wholeGroup yields all entries of lists. It asks for up to count entries of each
// list. Then it asks for the lengths of only those lists that may be longer. It
// returns false if the sequence is over.
func (d *database) wholeGroup(ctx context.Context, sizes *sizer, keys []string, count int64, yield func([]listPart, error) bool) bool {
	ranges := make([]listRange, len(keys))
	for i, key := range keys {
		ranges[i] = listRange{key, 1, count}
	}
	parts, err := d.getParts(ctx, ranges)
	if err != nil {
		yield(nil, err)
		return false
	}
	sizes.addParts(parts)
	sizes.lists += int64(len(parts))
	var short, long []listPart
	for _, p := range parts {
		if p.last = int64(len(p.entries)) < count; p.last {
			p.newest = int64(len(p.entries))
			short = append(short, p)
		} else {
			long = append(long, p)
		}
	}
	if len(short) > 0 && !yield(short, nil) {
		return false
	}
	return len(long) == 0 || d.longLists(ctx, sizes, long, yield)
}

// longLists yields the oldest entries of lists and then their other entries. It
// returns false if the sequence is over.
func (d *database) longLists(ctx context.Context, sizes *sizer, oldest []listPart, yield func([]listPart, error) bool) bool {
	keys := make([]string, len(oldest))
	for i := range oldest {
		keys[i] = oldest[i].key
	}
	lengths, err := d.lengths(ctx, keys)
	if err != nil {
		yield(nil, err)
		return false
	}
	for i := range oldest {
		if !d.longList(ctx, sizes, oldest[i], lengths[i], yield) {
			return false
		}
	}
	return true
}

// longList yields the oldest entries of a list and then its other entries. It
// returns false if the sequence is over.
func (d *database) longList(ctx context.Context, sizes *sizer, oldest listPart, length int64, yield func([]listPart, error) bool) bool {
	oldest.last = length <= oldest.newest
	if !yield([]listPart{oldest}, nil) {
		return false
	}
	rest := listRange{oldest.key, oldest.newest + 1, length}
	for page, err := range d.pages(ctx, sizes, []listRange{rest}, true) {
		for i := range page {
			page[i].last = page[i].newest == length
		}
		if !yield(page, err) || err != nil {
			return false
		}
	}
	return true
}
