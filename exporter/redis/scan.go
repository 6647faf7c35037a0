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

// scanStep is the number of keys that the server looks at in one step, which
// takes it less than a millisecond.
const scanStep = 1000

// scan yields the keys that start with the prefix, in steps. A key that exists
// during the whole scan is yielded at least once. A lost connection ends the
// scan with an error, because the cursor of a scan means nothing to another
// server, nor to the same server after a restart.
func (d *database) scan(ctx context.Context, prefix string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		nodes, err := call(ctx, d, d.nodes)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, node := range nodes {
			if !d.scanNode(ctx, node, prefix, yield) {
				return
			}
		}
	}
}

// A scanner is a client or a connection.
type scanner interface {
	Scan(ctx context.Context, cursor uint64, match string, count int64) *goredis.ScanCmd
}

// nodes returns the servers that have keys: each master of a cluster, or the one
// server.
func (d *database) nodes(ctx context.Context) ([]scanner, error) {
	cluster, ok := d.client.(*goredis.ClusterClient)
	if !ok {
		return []scanner{d.client}, nil
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

// scanNode scans one server, on one connection.
func (d *database) scanNode(ctx context.Context, node scanner, prefix string, yield func([]string, error) bool) bool {
	var busy sync.Mutex // locked during a step, also during a step that was given up
	if client, ok := node.(*goredis.Client); ok {
		conn := client.Conn()
		defer d.release(conn, &busy)
		node = conn
	}
	type step struct {
		keys   []string
		cursor uint64
	}
	for cursor := uint64(0); ; {
		s, err := call(ctx, d, func(ctx context.Context) (step, error) {
			busy.Lock()
			defer busy.Unlock()
			keys, next, err := node.Scan(ctx, cursor, startingWith(prefix), scanStep).Result()
			return step{keys, next}, err
		})
		if err != nil {
			yield(nil, err)
			return false
		}
		// A server may match keys that do not start with the prefix.
		keys := slices.DeleteFunc(s.keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
		if len(keys) > 0 && !yield(keys, nil) {
			return false
		}
		if cursor = s.cursor; cursor == 0 {
			return true
		}
	}
}

// release returns a connection to its pool when no step uses the connection any
// more. If the client was closed meanwhile, the connection is closed already.
func (d *database) release(conn *goredis.Conn, busy *sync.Mutex) {
	release := func() {
		defer busy.Unlock()
		_ = conn.Close()
	}
	if busy.TryLock() {
		release()
		return
	}
	if !d.calls.Enter() {
		return
	}
	go func() {
		defer d.calls.Leave()
		busy.Lock()
		release()
	}()
}
