package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/store"
)

// Delete implements driver.Deleter. It deletes the trace's list, its legacy keys
// and the record of its failure. A key that holds something else than the Python
// library writes is not deleted: a legacy key whose value cannot be read, because
// its trace is not known, and a string in place of the list, which is an error.
func (d *database) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	key := listPrefix + baseID
	lengths, err := d.lengths(ctx, []string{key})
	switch {
	case err != nil:
		return 0, err
	case lengths[0] < 0:
		return 0, damagedKey(key, errNoList)
	}
	var keys []string
	for n, err := range d.legacyOf(ctx, baseID) {
		switch {
		case store.Ends(err):
			return 0, err
		case err == nil:
			keys = append(keys, n.key)
		}
	}
	return call(ctx, d, func(ctx context.Context) (int, error) {
		pipe := d.client.Pipeline()
		length := pipe.LLen(ctx, key)
		list := pipe.Del(ctx, key)
		pipe.Del(ctx, errorPrefix+baseID)
		legacy := make([]*goredis.IntCmd, len(keys))
		for i := range keys {
			legacy[i] = pipe.Del(ctx, keys[i])
		}
		if _, err := execute(ctx, pipe); err != nil {
			return 0, err
		}
		notifications := max(length.Val(), list.Val()) // a push may come between the two commands
		for _, deleted := range legacy {
			notifications += deleted.Val()
		}
		return int(notifications), nil
	})
}
