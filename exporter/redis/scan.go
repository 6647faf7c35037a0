package redis

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// scanStep is how many keys the server looks at in one step, which takes it
	// less than a millisecond.
	scanStep = 1000
	// page is how many values come in one answer at most, and pageBytes how
	// many bytes if they are as long as those before.
	page      = 4096
	pageBytes = 4 << 20
)

// scan yields the keys that start with the prefix, in steps: each once or more
// if it is there from beginning to end. A break in the connection ends it with
// an error, since the place in a scan is nothing to another server, nor to the
// same one after a restart.
func (s *Store) scan(ctx context.Context, prefix string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		if err := s.alive(ctx); err != nil {
			yield(nil, err)
			return
		}
		nodes, err := call(ctx, s, s.nodes)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, node := range nodes {
			if !s.scanNode(ctx, node, prefix, yield) {
				return
			}
		}
	}
}

// scanner is a client or a connection.
type scanner interface {
	Scan(ctx context.Context, cursor uint64, match string, count int64) *goredis.ScanCmd
}

// nodes returns what has keys: each master of a cluster, or the one server.
func (s *Store) nodes(ctx context.Context) ([]scanner, error) {
	cluster, ok := s.client.(*goredis.ClusterClient)
	if !ok {
		return []scanner{s.client}, nil
	}
	var lock sync.Mutex
	masters := map[string]scanner{}
	err := cluster.ForEachMaster(ctx, func(_ context.Context, master *goredis.Client) error {
		lock.Lock()
		defer lock.Unlock()
		masters[master.Options().Addr] = master
		return nil
	})
	nodes := make([]scanner, 0, len(masters))
	for _, node := range masters {
		nodes = append(nodes, node)
	}
	if err == nil && len(nodes) == 0 {
		err = errors.New("the cluster has no masters")
	}
	return nodes, err
}

func (s *Store) scanNode(ctx context.Context, node scanner, prefix string, yield func([]string, error) bool) bool {
	var busy sync.Mutex // while a step is under way, also one that was given up
	if client, ok := node.(*goredis.Client); ok {
		conn := client.Conn()
		defer s.release(conn, &busy)
		node = conn
	}
	type step struct {
		keys []string
		next uint64
	}
	for cursor := uint64(0); ; {
		at, err := call(ctx, s, func(ctx context.Context) (step, error) {
			busy.Lock()
			defer busy.Unlock()
			keys, next, err := node.Scan(ctx, cursor, startingWith(prefix), scanStep).Result()
			return step{keys, next}, err
		})
		if err != nil {
			yield(nil, err)
			return false
		}
		// A server may match more than the prefix; we do not.
		keys := slices.DeleteFunc(at.keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
		if len(keys) > 0 && !yield(keys, nil) {
			return false
		}
		if cursor = at.next; cursor == 0 {
			return true
		}
	}
}

// release gives a connection back when nothing uses it any more. That of a
// client that was closed meanwhile is closed already.
func (s *Store) release(conn *goredis.Conn, busy *sync.Mutex) {
	give := func() {
		defer busy.Unlock()
		_ = conn.Close()
	}
	if busy.TryLock() {
		give()
		return
	}
	if !s.enter() {
		return
	}
	go func() {
		defer s.running.Done()
		busy.Lock()
		give()
	}()
}

// A pager keeps answers small: what values there were so far tells how many
// may come at once.
type pager struct{ count, bytes int64 }

func (p *pager) size() int64 {
	if p.count == 0 {
		return page / 8
	}
	return min(page, max(1, pageBytes*p.count/max(p.bytes, 1)))
}

func (p *pager) met(values ...string) {
	if p.count > 1<<20 { // what was long ago should not count
		p.count, p.bytes = p.count/2, p.bytes/2
	}
	for _, v := range values {
		p.count++
		p.bytes += int64(len(v))
	}
}

// A part is a range of a list's entries, or all of a string, and what it holds.
type part struct {
	key    string
	from   int64 // index from the list's end, -1 is the one that was written first
	values []string
	err    error // that the key is of another type
}

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
// that it has now; what is pushed meanwhile is not among them. Entries are
// counted from the end, where nothing is added.
func (s *Store) lists(ctx context.Context, keys []string, lengths []int64) iter.Seq2[part, error] {
	return func(yield func(part, error) bool) {
		var sizes pager
		var asked []part
		var ends []int64
		room := sizes.size()
		flush := func() bool {
			parts, err := s.ranges(ctx, asked, ends)
			if err != nil {
				yield(part{}, err)
				return false
			}
			for _, p := range parts {
				sizes.met(p.values...)
				if !yield(p, nil) {
					return false
				}
			}
			asked, ends, room = nil, nil, sizes.size()
			return true
		}
		for i, key := range keys {
			for from := -lengths[i]; lengths[i] > 0 && from < 0; {
				count := min(room, -from)
				asked, ends = append(asked, part{key: key, from: from}), append(ends, from+count-1)
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

func (s *Store) ranges(ctx context.Context, parts []part, ends []int64) ([]part, error) {
	return call(ctx, s, func(ctx context.Context) ([]part, error) {
		pipe := s.client.Pipeline()
		cmds := make([]*goredis.StringSliceCmd, len(parts))
		for i, p := range parts {
			cmds[i] = pipe.LRange(ctx, p.key, p.from, ends[i])
		}
		if _, err := pipe.Exec(ctx); err != nil && !isWrongType(err) {
			return nil, err
		}
		for i, cmd := range cmds {
			if err := cmd.Err(); err != nil && !isWrongType(err) {
				return nil, err
			}
			parts[i].values, parts[i].err = cmd.Val(), cmd.Err()
		}
		return parts, nil
	})
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
