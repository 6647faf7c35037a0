package redis

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A feed is the driver.Feed of one database.
//
// Redis does not record when entries were written. But a list only grows at its
// front. So a feed remembers the length of each list. A poll goes through all
// keys once, asks for the lengths of their lists, and reads the new entries of
// each list. For each list, the feed also remembers a checksum of the newest
// entry that was yielded. If the entry at that number has another checksum now,
// the list was deleted and rewritten, and the poll reads the whole list. The
// poll also reads a whole list that became shorter. If a list was deleted and
// rewritten between two polls with exactly its old length, the feed takes it for
// the same list.
type feed struct {
	*database

	from    store.Cursor // the cursor at which the feed begins, until resume has found out what it covers; "" otherwise
	lists   map[uint64]listState
	sums    bucketSums
	samples []sample // entries that were yielded
	pass    uint8    // the number of the present pass over the keys
	sizes   sizer
}

// Feed implements driver.Feeder. It does not connect.
func (d *database) Feed(_ context.Context, from store.Cursor) (driver.Feed, error) {
	if _, err := parseCursor(from); err != nil {
		return nil, err
	}
	return &feed{database: d, from: from, lists: map[uint64]listState{}}, nil
}

// Close implements driver.Feed.
func (f *feed) Close() error { return nil }

// Cursor implements driver.Feed. It describes what was yielded of the keys in
// each of 1024 buckets. A feed that begins at the cursor yields again the lists
// of each bucket in which a list changed.
func (f *feed) Cursor() store.Cursor {
	if f.from != "" {
		return f.from
	}
	return (&position{f.sums, f.samples}).cursor()
}

// Poll implements driver.Feed. The first poll from a cursor goes through all
// keys twice.
func (f *feed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		err := f.resume(ctx)
		if err == nil {
			err = f.poll(ctx, yield)
		}
		if err != nil && !errors.Is(err, errLeft) {
			yield(osprofiler.Notification{}, err)
		}
	}
}

// errLeft is the error when the caller leaves the loop.
var errLeft = errors.New("the loop was left")

// poll makes one pass over all keys.
func (f *feed) poll(ctx context.Context, yield func(osprofiler.Notification, error) bool) error {
	f.pass++
	var keys []string // some of those that exist
	for step, err := range paging.Ahead(ctx, f.steps) {
		if err != nil {
			return err
		}
		changed, err := f.changedLists(step.lists, step.lengths, yield)
		if err != nil {
			return err
		}
		if err := f.readLists(ctx, changed, yield); err != nil {
			return err
		}
		if err := f.readLegacy(ctx, step.legacy, yield); err != nil {
			return err
		}
		keys = append(keys, step.lists[:min(len(step.lists), maxSamples)]...)
		keys = append(keys, step.legacy[:min(len(step.legacy), maxSamples)]...)
		keys = keys[max(0, len(keys)-2*maxSamples):]
	}
	f.forget()
	return f.addSamples(ctx, keys)
}

// A feedStep has the keys of one step of a scan.
type feedStep struct {
	lists   []string
	lengths []int64 // -1 for a key that holds no list
	legacy  []string
}

// steps goes through all keys.
func (f *feed) steps(ctx context.Context) iter.Seq2[feedStep, error] {
	return func(yield func(feedStep, error) bool) {
		prefix := listPrefix
		if f.withLegacy {
			prefix = anyPrefix
		}
		for keys, err := range f.scan(ctx, prefix) {
			var step feedStep
			for _, key := range keys {
				switch {
				case strings.HasPrefix(key, listPrefix):
					step.lists = append(step.lists, key)
				case strings.HasPrefix(key, legacyPrefix):
					step.legacy = append(step.legacy, key)
				}
			}
			if err == nil && len(step.lists) > 0 {
				step.lengths, err = f.lengths(ctx, step.lists)
			}
			if !yield(step, err) || err != nil {
				return
			}
		}
	}
}

// changedLists returns the ranges of lists that are to be read. A range begins
// with the newest entry that was yielded, if the checksum of that entry is
// known.
func (f *feed) changedLists(keys []string, lengths []int64, yield func(osprofiler.Notification, error) bool) (changed []listRange, err error) {
	for i, key := range keys {
		hash, length := keyHash(key), lengths[i]
		state, isOld := f.lists[hash]
		if isOld {
			state.pass = f.pass
			f.lists[hash] = state
		}
		switch yielded := int64(state.length); {
		case length < 0 && state.length != noList:
			f.set(hash, listState{length: noList, pass: f.pass})
			if !yield(osprofiler.Notification{}, damagedKey(key, errNoList)) {
				return nil, errLeft
			}
		case length == 0: // the list was deleted after the scan
			f.set(hash, listState{})
		case length < 0 || yielded == length:
		case yielded > length: // the list became shorter, or the key held no list
			f.set(hash, listState{})
			changed = append(changed, listRange{key, 1, length})
		case state.checksum != [3]byte{}:
			changed = append(changed, listRange{key, yielded, length})
		default:
			changed = append(changed, listRange{key, yielded + 1, length})
		}
	}
	return changed, nil
}

// readLists yields the entries of ranges of lists. If a list was deleted and
// rewritten meanwhile, readLists reads that list once more, as a whole.
func (f *feed) readLists(ctx context.Context, ranges []listRange, yield func(osprofiler.Notification, error) bool) error {
	for len(ranges) > 0 {
		var again []string
		pages := func(ctx context.Context) iter.Seq2[[]listPart, error] { return f.pages(ctx, &f.sizes, ranges, true) }
		for page, err := range paging.Ahead(ctx, pages) {
			if err != nil {
				return err
			}
			for i := range page {
				isAnew, err := f.addPart(&page[i], yield)
				if err != nil {
					return err
				}
				if isAnew {
					again = append(again, page[i].key)
				}
			}
		}
		if len(again) == 0 {
			return nil
		}
		lengths, err := f.lengths(ctx, again)
		if err != nil {
			return err
		}
		if ranges, err = f.changedLists(again, lengths, yield); err != nil {
			return err
		}
	}
	return nil
}

// addPart yields the entries of a part that follow the entries that were
// yielded before. There may be no such entries, because the list changed
// meanwhile. isAnew reports that the list was deleted and rewritten since then.
func (f *feed) addPart(p *listPart, yield func(osprofiler.Notification, error) bool) (isAnew bool, err error) {
	hash := keyHash(p.key)
	for i := len(p.entries) - 1; i >= 0; i-- {
		text, number := p.entries[i], p.number(i)
		switch before := f.lists[hash]; {
		case number == int64(before.length) && checksumOf(text) != before.checksum:
			f.set(hash, listState{})
			return true, nil
		case number == int64(before.length)+1:
			f.set(hash, listState{uint32(number), checksumOf(text), f.pass})
			if number == 1 {
				f.addSample(sampleOf(p.key, text))
			}
			if n, err := parseEntry(p.key, text, number); !yield(n, err) {
				return false, errLeft
			}
		}
	}
	return false, nil
}

// readLegacy yields the new notifications under legacy keys.
func (f *feed) readLegacy(ctx context.Context, keys []string, yield func(osprofiler.Notification, error) bool) error {
	var changed []string
	for _, key := range keys {
		hash := keyHash(key)
		if state, isOld := f.lists[hash]; isOld {
			state.pass = f.pass
			f.lists[hash] = state
			continue
		}
		changed = append(changed, key)
	}
	for n, err := range f.legacyValues(ctx, changed) {
		if store.Ends(err) {
			return err
		}
		f.set(keyHash(n.key), listState{length: 1, pass: f.pass})
		if !yield(n.Notification, err) {
			return errLeft
		}
	}
	return nil
}
