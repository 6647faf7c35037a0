package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Upstream implements store.Upstreamer: traces of the legacy layout are listed
// first, then lists by their second newest event, without those of one event;
// failed traces by their records. A key of another type fails the listing.
func (s *Store) Upstream() store.Upstream {
	return store.Upstream{Driver: s.driver, Traces: s.upstreamTraces, ErrorTraces: s.upstreamErrors}
}

func (s *Store) upstreamTraces(ctx context.Context) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		if s.legacy {
			for trace, err := range s.sorted(ctx, legacyPrefix) {
				if !yield(trace, err) || err != nil {
					return
				}
			}
		}
		for keys, err := range s.scan(ctx, listPrefix) {
			var traces []store.Trace
			if err == nil {
				traces, err = s.secondNewest(ctx, keys)
			}
			if err != nil {
				yield(store.Trace{}, err)
				return
			}
			for _, trace := range traces {
				if err := s.alive(ctx); err != nil {
					yield(store.Trace{}, err)
					return
				}
				if !yield(trace, nil) {
					return
				}
			}
		}
	}
}

// secondNewest returns what LINDEX key 1 gives, for each list of two at least.
func (s *Store) secondNewest(ctx context.Context, keys []string) ([]store.Trace, error) {
	return call(ctx, s, func(ctx context.Context) ([]store.Trace, error) {
		pipe := s.client.Pipeline()
		for _, key := range keys {
			pipe.LIndex(ctx, key, 1)
		}
		cmds, err := pipe.Exec(ctx)
		if err != nil && !ofKeys(err) {
			return nil, err
		}
		var traces []store.Trace
		for i, cmd := range cmds {
			text, err := cmd.(*goredis.StringCmd).Result()
			if errors.Is(err, goredis.Nil) {
				continue
			}
			var trace store.Trace
			if err == nil {
				trace, err = upstreamTrace(keys[i], text)
			}
			if err != nil {
				return nil, err
			}
			traces = append(traces, trace)
		}
		return traces, nil
	})
}

// upstreamTrace reads an entry as upstream does, which takes any object.
func upstreamTrace(key, text string) (t store.Trace, err error) {
	raw, err := pyjson.One(text)
	if err == nil && pyjson.KindOf(raw) != pyjson.Object {
		err = errors.New("it should be a JSON object")
	}
	if err != nil {
		return t, fmt.Errorf("upstream cannot read the key %q: %w", key, err)
	}
	for _, member := range []struct {
		key   string
		value *string
	}{{"base_id", &t.BaseID}, {"timestamp", &t.Timestamp}} {
		value, _ := pyjson.Get(raw, member.key)
		*member.value, _ = pyjson.Text(value)
	}
	return t, nil
}

func (s *Store) upstreamErrors(ctx context.Context) iter.Seq2[store.Trace, error] {
	return s.sorted(ctx, errorPrefix)
}

// sorted yields the objects under the keys with that prefix, sorted by
// timestamp, the first of each base id. It keeps one of each base id.
func (s *Store) sorted(ctx context.Context, prefix string) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		firsts, err := s.firstTexts(ctx, prefix)
		if err != nil {
			yield(store.Trace{}, err)
			return
		}
		for _, trace := range firsts {
			if err := s.alive(ctx); err != nil {
				yield(store.Trace{}, err)
				return
			}
			if !yield(trace, nil) {
				return
			}
		}
	}
}

// firstTexts compares timestamps as texts, and what is equal by the order of the scan.
func (s *Store) firstTexts(ctx context.Context, prefix string) ([]store.Trace, error) {
	at := map[string]int{}
	var firsts []store.Trace
	for keys, err := range s.scan(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		for p, err := range s.strings(ctx, keys) {
			if err = cmp.Or(err, p.err); err != nil {
				return nil, s.explain(ctx, err)
			}
			trace, err := upstreamTrace(p.key, p.values[0])
			if err != nil {
				return nil, err
			}
			i, met := at[trace.BaseID]
			switch {
			case !met:
				at[trace.BaseID] = len(firsts)
				firsts = append(firsts, trace)
			case trace.Timestamp < firsts[i].Timestamp:
				firsts[i] = trace
			}
		}
	}
	slices.SortStableFunc(firsts, func(a, b store.Trace) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return firsts, nil
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.ErrorTracer = (*Store)(nil)
	_ store.Changer     = (*Store)(nil)
	_ store.Upstreamer  = (*Store)(nil)
)
