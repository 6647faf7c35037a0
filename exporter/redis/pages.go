package redis

import (
	"context"
	"errors"
	"iter"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// page is how many values come in one answer at most, and pageBytes how
	// many bytes if they are as long as those before.
	page      = 4096
	pageBytes = 4 << 20
	// firstPage is how many come first, when nothing is known of their length.
	firstPage = 64
)

// A pager keeps answers small: what values there were so far tells how many
// may come at once.
type pager struct {
	count, bytes int64 // of values
	keys         int64 // that had them, where it matters
}

func (p *pager) size() int64 {
	if p.count == 0 {
		return firstPage
	}
	return min(page, max(1, pageBytes*p.count/max(p.bytes, 1)))
}

// perKey is more than a list usually has.
func (p *pager) perKey() int64 {
	return min(max(2*p.count/max(p.keys, 1), 4)+1, page/8)
}

func (p *pager) met(values ...string) {
	if p.count > 1<<20 { // what was long ago should not count
		p.count, p.bytes, p.keys = p.count/2, p.bytes/2, p.keys/2
	}
	for _, v := range values {
		p.count++
		p.bytes += int64(len(v))
	}
}

// strings yields the values of keys that are there; each is one part with one value.
func (s *Store) strings(ctx context.Context, keys []string) iter.Seq2[part, error] {
	return func(yield func(part, error) bool) {
		var sizes pager
		for len(keys) > 0 {
			count := min(sizes.size(), int64(len(keys)))
			parts, err := s.gets(ctx, keys[:count])
			if err != nil {
				yield(part{}, err)
				return
			}
			for _, p := range parts {
				sizes.met(p.values...)
				if !yield(p, nil) {
					return
				}
			}
			keys = keys[count:]
		}
	}
}

func (s *Store) gets(ctx context.Context, keys []string) ([]part, error) {
	return call(ctx, s, func(ctx context.Context) (parts []part, err error) {
		pipe := s.client.Pipeline() // MGET takes no keys of several nodes
		for _, key := range keys {
			pipe.Get(ctx, key)
		}
		cmds, err := pipe.Exec(ctx)
		if err != nil && !ofKeys(err) {
			return nil, err
		}
		for i, cmd := range cmds {
			switch err := cmd.Err(); {
			case errors.Is(err, goredis.Nil): // deleted meanwhile
			case isWrongType(err):
				parts = append(parts, part{key: keys[i], err: err})
			case err != nil:
				return nil, err
			default:
				parts = append(parts, part{key: keys[i], values: []string{cmd.(*goredis.StringCmd).Val()}})
			}
		}
		return parts, nil
	})
}
