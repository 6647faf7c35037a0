package redis

import (
	"context"
	"iter"

	goredis "github.com/redis/go-redis/v9"
)

// lengths asks how long lists are: 0 for none any more, -1 for what is no list.
func (s *Store) lengths(ctx context.Context, keys []string) ([]int64, error) {
	return call(ctx, s, func(ctx context.Context) ([]int64, error) {
		pipe := s.client.Pipeline()
		for _, key := range keys {
			pipe.LLen(ctx, key)
		}
		cmds, err := pipe.Exec(ctx)
		lengths := make([]int64, len(cmds))
		for i, cmd := range cmds {
			switch {
			case isWrongType(cmd.Err()):
				lengths[i] = -1
			case cmd.Err() != nil:
				return nil, cmd.Err()
			default:
				lengths[i] = cmd.(*goredis.IntCmd).Val()
			}
		}
		if err != nil && !isWrongType(err) {
			return nil, err
		}
		return lengths, nil
	})
}

// lists yields the entries of lists, of each list from the newest to the oldest
// that it has now; what is pushed meanwhile is not among them.
func (s *Store) lists(ctx context.Context, keys []string, lengths []int64) iter.Seq2[entry, error] {
	return entries(ctx, func(ctx context.Context) iter.Seq2[[]part, error] {
		return s.pages(ctx, &pager{}, keys, lengths)
	})
}

// allLists yields the entries of all lists, those of one list one behind the other.
func (s *Store) allLists(ctx context.Context) iter.Seq2[entry, error] {
	return entries(ctx, s.wholeLists)
}

// pages yields so much of lists at a time as one answer holds. Entries are
// counted from the end of a list, where nothing is added.
func (s *Store) pages(ctx context.Context, sizes *pager, keys []string, lengths []int64) iter.Seq2[[]part, error] {
	return func(yield func([]part, error) bool) {
		var asked []part
		room := sizes.size()
		flush := func() bool {
			err := s.fill(ctx, asked)
			for _, p := range asked {
				sizes.met(p.values...)
			}
			more := yield(asked, err) && err == nil
			asked, room = nil, sizes.size()
			return more
		}
		for i, key := range keys {
			for from := -lengths[i]; lengths[i] > 0 && from < 0; {
				count := min(room, -from)
				asked = append(asked, part{key: key, from: from, to: from + count - 1})
				from += count
				if room -= count; room <= 0 && !flush() {
					return
				}
			}
		}
		if len(asked) > 0 {
			flush()
		}
	}
}

// fill gets the entries of the parts.
func (s *Store) fill(ctx context.Context, parts []part) error {
	answers, err := call(ctx, s, func(ctx context.Context) ([]*goredis.StringSliceCmd, error) {
		pipe := s.client.Pipeline()
		cmds := make([]*goredis.StringSliceCmd, len(parts))
		for i, p := range parts {
			cmds[i] = pipe.LRange(ctx, p.key, p.from, p.to)
		}
		if _, err := pipe.Exec(ctx); err != nil && !isWrongType(err) {
			return nil, err
		}
		for _, cmd := range cmds {
			if err := cmd.Err(); err != nil && !isWrongType(err) {
				return nil, err
			}
		}
		return cmds, nil
	})
	for i, answer := range answers {
		parts[i].values, parts[i].err = answer.Val(), answer.Err()
	}
	return err
}

// wholeLists yields all entries of all lists, page by page, the parts of one
// list one behind the other. Lists that are as long as those before come by one
// command; of longer ones the length is asked then.
func (s *Store) wholeLists(ctx context.Context) iter.Seq2[[]part, error] {
	return func(yield func([]part, error) bool) {
		var sizes pager
		for keys, err := range s.scan(ctx, listPrefix) {
			if err != nil {
				yield(nil, err)
				return
			}
			for len(keys) > 0 {
				most := sizes.perKey()
				group := keys[:min(int64(len(keys)), max(1, sizes.size()/most))]
				keys = keys[len(group):]
				if !s.wholeGroup(ctx, &sizes, group, most, yield) {
					return
				}
			}
		}
	}
}

// wholeGroup yields the lists of a group; most is how many entries each is
// thought to have at most.
func (s *Store) wholeGroup(ctx context.Context, sizes *pager, keys []string, most int64, yield func([]part, error) bool) bool {
	parts := make([]part, len(keys))
	for i, key := range keys {
		parts[i] = part{key: key, from: -most, to: -1}
	}
	if err := s.fill(ctx, parts); err != nil {
		yield(nil, err)
		return false
	}
	var longer []string
	whole := parts[:0]
	for _, p := range parts {
		if int64(len(p.values)) == most {
			longer = append(longer, p.key)
			continue
		}
		p.from = -int64(len(p.values))
		sizes.met(p.values...)
		sizes.keys++
		whole = append(whole, p)
	}
	if !yield(whole, nil) {
		return false
	}
	return len(longer) == 0 || s.longLists(ctx, sizes, longer, yield)
}

func (s *Store) longLists(ctx context.Context, sizes *pager, keys []string, yield func([]part, error) bool) bool {
	lengths, err := s.lengths(ctx, keys)
	if err != nil {
		yield(nil, err)
		return false
	}
	sizes.keys += int64(len(keys))
	for page, err := range s.pages(ctx, sizes, keys, lengths) {
		if !yield(page, err) || err != nil {
			return false
		}
	}
	return true
}
