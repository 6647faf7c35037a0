package redis

import (
	"context"
	"errors"
	"iter"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/paging"
)

var (
	errNoList   = errors.New("it should be a list")
	errNoString = errors.New("it should be a string")
	errShorter  = errors.New("it was deleted or became shorter while it was read")
)

// A listRange is a part of a list. Entries are numbered from the end of the
// list, where nothing is added: 1 is the oldest entry.
type listRange struct {
	key            string
	oldest, newest int64
}

func (r listRange) len() int64 { return r.newest - r.oldest + 1 }

// A listPart is a range of a list with its entries.
type listPart struct {
	listRange

	entries []string // the newest first
	err     error    // errNoList
	last    bool     // no other part of the list follows
}

// number returns the number of the entry with this index.
func (p *listPart) number(i int) int64 { return p.oldest + int64(len(p.entries)-1-i) }

// getParts gets ranges of lists, all in one pipeline.
func (d *database) getParts(ctx context.Context, ranges []listRange) ([]listPart, error) {
	return call(ctx, d, func(ctx context.Context) ([]listPart, error) {
		pipe := d.client.Pipeline()
		for _, r := range ranges {
			pipe.LRange(ctx, r.key, -r.newest, -r.oldest)
		}
		cmds, err := execute(ctx, pipe)
		if err != nil {
			return nil, err
		}
		parts := make([]listPart, len(ranges))
		for i, cmd := range cmds {
			entries, err := cmd.(*goredis.StringSliceCmd).Result()
			if err != nil {
				err = errNoList
			}
			parts[i] = listPart{listRange: ranges[i], entries: entries, err: err}
		}
		return parts, nil
	})
}

// execute sends a pipeline. It returns an error if a command failed for another
// reason than that its key has another type or does not exist.
func execute(ctx context.Context, pipe goredis.Pipeliner) ([]goredis.Cmder, error) {
	cmds, err := pipe.Exec(ctx)
	if err != nil && !isAboutKey(err) { // commands that were not sent have no error of their own
		return nil, err
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !isAboutKey(err) {
			return nil, err
		}
	}
	return cmds, nil
}

// pages gets ranges of lists, as much in one pipeline as the sizer allows. With
// oldestFirst the parts of one range are yielded in the order of writing,
// otherwise in the reverse order. With oldestFirst, each further part of a range
// also begins with the last entry of the part before it, so that a list that was
// deleted and rewritten is noticed.
func (d *database) pages(ctx context.Context, sizes *sizer, ranges []listRange, oldestFirst bool) iter.Seq2[[]listPart, error] {
	return func(yield func([]listPart, error) bool) {
		var page []listRange
		left := sizes.next()
		get := func() bool {
			parts, err := d.getParts(ctx, page)
			sizes.addParts(parts)
			page, left = nil, sizes.next()
			return yield(parts, err) && err == nil
		}
		for _, rest := range ranges {
			for rest.len() > 0 {
				part := rest
				if oldestFirst {
					part.newest = min(rest.newest, rest.oldest+max(left, 2)-1)
					if rest.oldest = part.newest; part.newest == rest.newest {
						rest.oldest++
					}
				} else {
					part.oldest = max(rest.oldest, rest.newest-left+1)
					rest.newest = part.oldest - 1
				}
				page = append(page, part)
				if left -= part.len(); left <= 0 && !get() {
					return
				}
			}
		}
		if len(page) > 0 {
			get()
		}
	}
}

// open gets the length of a list and its oldest entries, up to count. The sizes
// of these entries determine how many entries the next request may ask for.
func (d *database) open(ctx context.Context, sizes *sizer, key string, count int64) (oldest listPart, length int64, err error) {
	cmds, err := call(ctx, d, func(ctx context.Context) ([]goredis.Cmder, error) {
		pipe := d.client.Pipeline()
		pipe.LLen(ctx, key)
		pipe.LRange(ctx, key, -count, -1)
		return execute(ctx, pipe)
	})
	if err != nil {
		return oldest, 0, err
	}
	if isWrongType(cmds[0].Err()) {
		oldest.err = errNoList
	}
	oldest.entries = cmds[1].(*goredis.StringSliceCmd).Val()
	oldest.listRange = listRange{key, 1, int64(len(oldest.entries))}
	sizes.addParts([]listPart{oldest})
	// A push may have come between the two commands.
	return oldest, max(cmds[0].(*goredis.IntCmd).Val(), oldest.newest), nil
}

// lengths returns the lengths of lists: 0 for a key that does not exist, and -1
// for a key that holds no list.
func (d *database) lengths(ctx context.Context, keys []string) ([]int64, error) {
	return call(ctx, d, func(ctx context.Context) ([]int64, error) {
		pipe := d.client.Pipeline()
		for _, key := range keys {
			pipe.LLen(ctx, key)
		}
		cmds, err := execute(ctx, pipe)
		if err != nil {
			return nil, err
		}
		lengths := make([]int64, len(cmds))
		for i, cmd := range cmds {
			lengths[i] = cmd.(*goredis.IntCmd).Val()
			if isWrongType(cmd.Err()) {
				lengths[i] = -1
			}
		}
		return lengths, nil
	})
}

// An entryStep has one entry of each of some lists.
type entryStep struct {
	keys    []string
	entries []string // "" if the list has no such entry
	noList  []bool   // whether the key holds no list
}

// entriesAt yields the entry with an index of each list. The index counts from
// the newest entry, 0, or from the oldest entry, -1.
func (d *database) entriesAt(ctx context.Context, index int64) iter.Seq2[entryStep, error] {
	return func(yield func(entryStep, error) bool) {
		pager := paging.Pager{First: firstEntries, Most: maxEntries}
		for keys, err := range d.scan(ctx, listPrefix) {
			if err != nil {
				yield(entryStep{}, err)
				return
			}
			for len(keys) > 0 {
				count := min(len(keys), pager.Next())
				step, err := d.getEntries(ctx, keys[:count], index)
				if !yield(step, err) || err != nil {
					return
				}
				pager.AddTexts(step.entries...)
				keys = keys[count:]
			}
		}
	}
}

func (d *database) getEntries(ctx context.Context, keys []string, index int64) (entryStep, error) {
	return call(ctx, d, func(ctx context.Context) (step entryStep, err error) {
		pipe := d.client.Pipeline()
		for _, key := range keys {
			pipe.LIndex(ctx, key, index)
		}
		cmds, err := execute(ctx, pipe)
		if err != nil {
			return step, err
		}
		step = entryStep{keys, make([]string, len(keys)), make([]bool, len(keys))}
		for i, cmd := range cmds {
			step.entries[i] = cmd.(*goredis.StringCmd).Val()
			step.noList[i] = isWrongType(cmd.Err())
		}
		return step, nil
	})
}
