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

// scanStep is how many keys the server looks at in one step, which takes it
// less than a millisecond.
const scanStep = 1000

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
