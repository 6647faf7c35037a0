package redis

import (
	"context"
	"iter"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A legacyNotification is a notification and the legacy key that holds it.
type legacyNotification struct {
	osprofiler.Notification

	key string
}

// legacyOf yields the notifications of one trace under legacy keys, the newest
// first. Only a scan of all keys finds legacy keys. So the first scan also
// records which traces have any, and later calls scan only for these traces.
//
// A legacy key does not show where its base id ends. So a damaged key is
// reported if it begins like the keys of the trace.
func (d *database) legacyOf(ctx context.Context, baseID string) iter.Seq2[legacyNotification, error] {
	return func(yield func(legacyNotification, error) bool) {
		keys, err := d.legacyKeysOf(ctx, baseID)
		if err != nil {
			yield(legacyNotification{}, err)
			return
		}
		var all []legacyNotification
		for n, err := range d.legacyValues(ctx, keys) {
			switch {
			case err != nil:
				if !yield(n, err) || store.Ends(err) {
					return
				}
			case driver.Text(n.BaseID) == baseID:
				all = append(all, n)
			}
		}
		slices.SortStableFunc(all, func(a, b legacyNotification) int { return strings.Compare(b.Timestamp, a.Timestamp) })
		for i := range all {
			if !yield(all[i], nil) {
				return
			}
		}
	}
}

// legacyKeysOf returns the legacy keys that begin like the keys of a trace.
func (d *database) legacyKeysOf(ctx context.Context, baseID string) (keys []string, err error) {
	if !d.withLegacy {
		return nil, nil
	}
	start := legacyPrefix + baseID + "_"
	scan := d.legacyKeys(ctx)
	if remembered, mayHave := d.legacyIndex.lookUp(baseID); remembered && !mayHave {
		return nil, nil
	} else if remembered {
		scan = d.scan(ctx, start)
	}
	for step, err := range scan {
		if err != nil {
			return nil, err
		}
		for _, key := range step {
			if strings.HasPrefix(key, start) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// legacyKeys yields all legacy keys, and remembers which traces have any.
func (d *database) legacyKeys(ctx context.Context) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		scan := d.legacyIndex.begin()
		for keys, err := range d.scan(ctx, legacyPrefix) {
			scan.add(keys)
			if !yield(keys, err) || err != nil {
				return
			}
		}
		d.legacyIndex.set(scan)
	}
}

// legacyValues yields the notifications under legacy keys, in the order of
// keys. It leaves out a key that was deleted meanwhile.
func (d *database) legacyValues(ctx context.Context, keys []string) iter.Seq2[legacyNotification, error] {
	return func(yield func(legacyNotification, error) bool) {
		for v, err := range d.strings(ctx, keys) {
			var n osprofiler.Notification
			switch {
			case err != nil:
			case v.err != nil:
				err = damagedKey(v.key, v.err)
			default:
				n, err = parseLegacy(v.key, v.text)
			}
			if !yield(legacyNotification{n, v.key}, err) || store.Ends(err) {
				return
			}
		}
	}
}

// A stringValue is the value of a key that exists.
type stringValue struct {
	key, text string
	err       error // errNoString
}

// strings yields the values of the keys that exist.
func (d *database) strings(ctx context.Context, keys []string) iter.Seq2[stringValue, error] {
	return func(yield func(stringValue, error) bool) {
		pager := paging.Pager{First: firstEntries, Most: maxEntries}
		for len(keys) > 0 {
			count := min(pager.Next(), len(keys))
			values, err := d.getStrings(ctx, keys[:count])
			if err != nil {
				yield(stringValue{}, err)
				return
			}
			bytes := 0
			for _, v := range values {
				bytes += len(v.text)
			}
			pager.Add(len(values), bytes)
			for _, v := range values {
				if !yield(v, nil) {
					return
				}
			}
			keys = keys[count:]
		}
	}
}

func (d *database) getStrings(ctx context.Context, keys []string) ([]stringValue, error) {
	return call(ctx, d, func(ctx context.Context) (values []stringValue, err error) {
		pipe := d.client.Pipeline() // MGET takes no keys of several nodes
		for _, key := range keys {
			pipe.Get(ctx, key)
		}
		cmds, err := execute(ctx, pipe)
		if err != nil {
			return nil, err
		}
		for i, cmd := range cmds {
			switch err := cmd.Err(); {
			case isWrongType(err):
				values = append(values, stringValue{key: keys[i], err: errNoString})
			case err == nil:
				values = append(values, stringValue{key: keys[i], text: cmd.(*goredis.StringCmd).Val()})
			}
		}
		return values, nil
	})
}
