package main

import (
	"context"

	goredis "github.com/redis/go-redis/v9"
)

const listPrefix = "osprofiler_opt:"

type bareRedis struct{ *goredis.Client }

func openRedis(_ context.Context, url string) (bare, error) {
	o, err := goredis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return bareRedis{goredis.NewClient(o)}, nil
}

func (r bareRedis) close() error { return r.Close() }

// A redisList is the answer of LRANGE for a key, the newest element first.
type redisList struct {
	key    string
	values []string
}

func (l redisList) notifications() int { return len(l.values) }

func (l redisList) records() []record {
	push := record{l.key}
	for i := len(l.values) - 1; i >= 0; i-- {
		push = append(push, l.values[i])
	}
	return []record{push}
}

func (r bareRedis) fetch(ctx context.Context, baseID string) (stored, error) {
	values, err := r.LRange(ctx, listPrefix+baseID, 0, -1).Result()
	return redisList{listPrefix + baseID, values}, err
}

func (r bareRedis) write(ctx context.Context, records []record) error {
	_, err := r.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, push := range records {
			p.LPush(ctx, push[0].(string), push[1:]...)
		}
		return nil
	})
	return err
}

func (r bareRedis) list(ctx context.Context, traces, _ int) error {
	found, cursor := 0, uint64(0)
	for {
		keys, next, err := r.Scan(ctx, cursor, listPrefix+"*", 1000).Result()
		if err != nil {
			return err
		}
		cmds, err := r.Pipelined(ctx, func(p goredis.Pipeliner) error {
			for _, key := range keys {
				p.LRange(ctx, key, 0, -1)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, cmd := range cmds {
			found += len(cmd.(*goredis.StringSliceCmd).Val())
		}
		if cursor = next; cursor == 0 {
			return came(found, 2*traces)
		}
	}
}

func (r bareRedis) writeBulk(_ context.Context, write func() error) error { return write() }
