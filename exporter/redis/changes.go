package redis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Changes implements store.Changer. Redis keeps no record of what came when;
// a cursor says instead which lists there were and how long they had become,
// summed up in 4096 buckets of keys. Going on asks for the length of every
// list, and yields anew all that stands in a bucket in which something changed:
// nothing is missed, but much comes again if there are many more traces than
// buckets. All changes of one call have the cursor of its beginning, in effect,
// and only the last that of its end.
//
// A cursor of which the store has nothing any more is an error, as a foreign
// one is. What is deleted before it was asked for is not known to have been
// there, and a list that was deleted and has grown to the same length since is
// taken for the same one.
func (s *Store) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		start, err := s.resume(ctx, from)
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		now, keys, err := s.survey(ctx)
		if err == nil {
			start, err = s.testify(ctx, start, keys)
		}
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		p := &pass{Store: s, start: start, now: now, end: place{state{}, start.witnesses}, cursor: start.cursor(), yield: yield}
		for bucket, sum := range now {
			if start.state[bucket] == sum {
				p.end.state[bucket] = sum
			}
		}
		if p.run(ctx) && p.last != nil {
			p.last.Cursor = p.end.cursor()
			yield(*p.last, nil)
		}
	}
}

// resume reads a cursor, and keeps of its witnesses those that still stand.
func (s *Store) resume(ctx context.Context, from store.Cursor) (place, error) {
	if err := s.alive(ctx); err != nil {
		return place{}, err
	}
	start, err := parseCursor(from)
	if err != nil || from == "" {
		return start, err
	}
	var standing []witness
	for _, w := range start.witnesses {
		last, err := s.lastEntry(ctx, w.key)
		if err != nil {
			return start, err
		}
		if last != nil && witnessOf(w.key, *last) == w {
			standing = append(standing, w)
		}
	}
	if len(standing) == 0 {
		return start, fmt.Errorf("cannot go on from that cursor: it is not of %s, or nothing is there any more of what was there then", s.place)
	}
	start.witnesses = standing
	return start, nil
}

// lastEntry returns what a list ends with, or a string holds; nil if the key
// is not there any more, or is something else.
func (s *Store) lastEntry(ctx context.Context, key string) (*string, error) {
	parts := []part{{key: key, from: -1, to: -1}}
	var err error
	if strings.HasPrefix(key, listPrefix) {
		err = s.fill(ctx, parts)
	} else {
		parts, err = s.gets(ctx, []string{key})
	}
	if err != nil || len(parts) == 0 || len(parts[0].values) == 0 {
		return nil, err //nolint:nilnil // it is not there
	}
	return &parts[0].values[0], nil
}

// survey sums up what is there, and names some of the keys.
func (s *Store) survey(ctx context.Context) (now state, some []string, err error) {
	now = state{}
	note := func(key string, length int64) {
		now.add(key, length)
		if length > 0 && (len(key) <= maxWitnessKey || len(some) == 0) {
			some = append(some, key)
		}
	}
	err = s.eachKey(ctx, func(lists []string, lengths []int64, legacy []string) error {
		some = some[max(0, len(some)-maxWitnesses):]
		for i, key := range lists {
			note(key, lengths[i])
		}
		for _, key := range legacy {
			note(key, 1)
		}
		return nil
	})
	return now, some[max(0, len(some)-maxWitnesses):], err
}

// testify adds witnesses to a place, half of them new ones if there are.
func (s *Store) testify(ctx context.Context, p place, keys []string) (place, error) {
	for i, key := range keys {
		if i == maxWitnesses/2 {
			break
		}
		last, err := s.lastEntry(ctx, key)
		if err != nil {
			return p, err
		}
		if last != nil {
			p = p.known(witnessOf(key, *last))
		}
	}
	return p, nil
}

// eachKey goes through all keys of notifications in steps.
func (s *Store) eachKey(ctx context.Context, visit func(lists []string, lengths []int64, legacy []string) error) error {
	prefix := listPrefix
	if s.legacy {
		prefix = "osprofiler" // one way through all keys for both layouts
	}
	for keys, err := range s.scan(ctx, prefix) {
		if err != nil {
			return err
		}
		var lists, legacy []string
		for _, key := range keys {
			switch {
			case strings.HasPrefix(key, listPrefix):
				lists = append(lists, key)
			case strings.HasPrefix(key, legacyPrefix):
				legacy = append(legacy, key)
			}
		}
		var lengths []int64
		if len(lists) > 0 {
			if lengths, err = s.lengths(ctx, lists); err != nil {
				return err
			}
		}
		if err := visit(lists, lengths, legacy); err != nil {
			return err
		}
	}
	return nil
}

// pass is one call of Changes under way.
type pass struct {
	*Store
	start, end place
	now        state
	cursor     store.Cursor // of the start
	last       *store.Change
	yield      func(store.Change, error) bool
}

var errStopped = errors.New("stopped")

// run yields all changes but the last, which it keeps, and tells whether it
// came to the end.
func (p *pass) run(ctx context.Context) bool {
	if !p.changed() {
		return true
	}
	err := p.eachKey(ctx, func(lists []string, lengths []int64, legacy []string) error {
		if err := p.readLists(ctx, lists, lengths); err != nil {
			return err
		}
		return p.readLegacy(ctx, legacy)
	})
	if err != nil && !errors.Is(err, errStopped) {
		p.yield(store.Change{}, err)
	}
	return err == nil
}

func (p *pass) changed() bool {
	for bucket := range p.now {
		if p.wants(bucket) {
			return true
		}
	}
	return false
}

// wants tells whether a bucket is to be read: it is not as it was at the start,
// by the survey. What changes after that, the next call finds.
func (p *pass) wants(bucket uint16) bool { return p.start.state[bucket] != p.now[bucket] }

func (p *pass) readLists(ctx context.Context, keys []string, lengths []int64) error {
	var wanted []string
	var long []int64
	for i, key := range keys {
		if !p.wants(bucketOf(key)) {
			continue
		}
		wanted, long = append(wanted, key), append(long, lengths[i])
		p.end.state.add(key, lengths[i])
		if lengths[i] < 0 && !p.yield(store.Change{}, damagedKey(key, errNoList)) {
			return errStopped
		}
	}
	for e, err := range p.lists(ctx, wanted, long) {
		if err != nil {
			return err
		}
		if err := p.add(ctx, e.Notification, e.err); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) readLegacy(ctx context.Context, keys []string) error {
	var wanted []string
	for _, key := range keys {
		if p.wants(bucketOf(key)) {
			wanted = append(wanted, key)
			p.end.state.add(key, 1)
		}
	}
	for part, err := range p.strings(ctx, wanted) {
		if err != nil {
			return err
		}
		var n osprofiler.Notification
		if part.err != nil {
			err = damagedKey(part.key, errNoString)
		} else {
			n, err = legacyEntry(part.key, part.values[0])
		}
		if err := p.add(ctx, n, err); err != nil {
			return err
		}
	}
	return nil
}

// add yields the change before this one, which then was not the last.
func (p *pass) add(ctx context.Context, n osprofiler.Notification, err error) error {
	if aliveErr := p.alive(ctx); aliveErr != nil {
		return aliveErr
	}
	before := &store.Change{}
	if err == nil {
		before, p.last = p.last, &store.Change{Notification: n, Cursor: p.cursor}
	}
	if before != nil && !p.yield(*before, err) {
		return errStopped
	}
	return nil
}
