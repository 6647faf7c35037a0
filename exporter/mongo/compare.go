package mongo

import (
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
)

// compareAll compares all _ids with those that were yielded, and yields the
// documents that were not.
func (f *feed) compareAll(ctx context.Context, yield func(osprofiler.Notification, error) bool) error {
	if err := f.readOthers(ctx, yield); err != nil {
		return err
	}
	if err := f.compareBuckets(ctx, 0, len(f.yielded.buckets), yield); err != nil {
		return err
	}
	f.due = false
	return nil
}

const (
	// mostFound is how many ids of one bucket are compared at once.
	mostFound = 1 << 16
	// fetchedAtOnce is how many documents one query gets by their ids.
	fetchedAtOnce = 1000
)

// compareBuckets compares the buckets from one index to another one, which is not
// included.
func (f *feed) compareBuckets(ctx context.Context, from, to int, yield func(osprofiler.Notification, error) bool) error {
	if from >= to {
		return nil
	}
	defer f.yielded.tidy()
	c := &comparison{feed: f, yield: yield, at: from}
	upTo := f.yielded.buckets[to-1].last
	for batch, err := range f.ids(ctx, from, upTo) {
		if err != nil {
			return err
		}
		for _, id := range batch {
			if err := c.add(ctx, id); err != nil {
				return err
			}
		}
	}
	for {
		isLast := f.yielded.buckets[c.at].last == upTo
		if err := c.settle(ctx); err != nil || isLast {
			return err
		}
	}
}

// A comparison compares buckets with the ids that the server has.
type comparison struct {
	*feed

	yield func(osprofiler.Notification, error) bool
	at    int             // the index of the bucket that is compared
	found []bson.ObjectID // in its range
}

// add adds an id that the server has. It settles the buckets in front of the id.
func (c *comparison) add(ctx context.Context, id bson.ObjectID) error {
	for compareIDs(c.yielded.buckets[c.at].last, id) < 0 {
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	if len(c.found) == mostFound {
		c.yielded.divide(c.at, c.found)
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	c.found = append(c.found, id)
	return nil
}

// settle yields the documents of a bucket that were not yielded.
func (c *comparison) settle(ctx context.Context) error {
	unseen := c.yielded.compare(c.at, c.found)
	c.found = nil
	c.at++
	return c.fetch(ctx, unseen, c.yield)
}

// divide divides a bucket behind the last of some ids that were found in it. A
// bucket whose ids are not in memory then no longer matches, unless it had as many ids
// as were found.
func (l *ledger) divide(i int, found []bson.ObjectID) {
	b := &l.buckets[i]
	if !b.isExact() {
		b.ids, b.count, b.sum = nil, 0, 0
	}
	l.split(i, found[len(found)-1])
}

// ids yields the ObjectIDs of the buckets from an index up to an id, in order.
func (f *feed) ids(ctx context.Context, from int, upTo bson.ObjectID) func(yield func([]bson.ObjectID, error) bool) {
	filter := bson.D{{Key: "$lte", Value: upTo}, {Key: "$gte", Value: bson.ObjectID{}}}
	var low bson.ObjectID
	if from > 0 {
		low = f.yielded.buckets[from-1].last
		filter = bson.D{{Key: "$lte", Value: upTo}, {Key: "$gt", Value: low}}
	}
	q := query[bson.ObjectID]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			find := options.Find().SetSort(bson.D{{Key: keyID, Value: 1}}).SetProjection(bson.D{{Key: keyID, Value: 1}})
			return primary(c.events).Find(ctx, bson.D{{Key: keyID, Value: filter}}, find)
		},
		decode: func(_ context.Context, document bson.Raw) (bson.ObjectID, error) {
			id, ok := document.Lookup(keyID).ObjectIDOK()
			if !ok || compareIDs(id, upTo) > 0 || from > 0 && compareIDs(id, low) <= 0 {
				return id, f.unasked(document)
			}
			filter = bson.D{{Key: "$lte", Value: upTo}, {Key: "$gt", Value: id}}
			return id, nil
		},
	}
	return batches(ctx, f.database, q)
}

// fetch yields the documents with some ids.
func (f *feed) fetch(ctx context.Context, ids []bson.ObjectID, yield func(osprofiler.Notification, error) bool) error {
	for some := range slices.Chunk(ids, fetchedAtOnce) {
		q := fromPrimary(f.findEntries(bson.D{{Key: keyID, Value: bson.D{{Key: "$in", Value: some}}}}, nil))
		decode := q.decode
		q.decode = func(ctx context.Context, document bson.Raw) (entry, error) {
			if id, ok := document.Lookup(keyID).ObjectIDOK(); !ok || !slices.Contains(some, id) {
				return entry{}, f.unasked(document)
			}
			return decode(ctx, document)
		}
		err := f.each(ctx, q, func(e *entry) bool {
			f.yielded.add(e.id.ObjectID())
			return yield(e.Notification, e.err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	// newestBuckets is how many of the newest buckets each scan looks into: those
	// of the last minutes, in which services whose clocks are late insert.
	newestBuckets = 2
	// checkingShare bounds the time for this: a server without an index on _id
	// needs long.
	checkingShare = 20
)

// checkSome compares the newest buckets and the next one of the others.
func (f *feed) checkSome(ctx context.Context, yield func(osprofiler.Notification, error) bool) error {
	begin := time.Now()
	if begin.Before(f.checkAgain) {
		return nil
	}
	count := len(f.yielded.buckets)
	if err := f.compareBuckets(ctx, max(0, count-newestBuckets), count, yield); err != nil {
		return err
	}
	if older := len(f.yielded.buckets) - newestBuckets; older > 0 {
		i := f.yielded.at(f.checkedUpTo) + 1
		if i >= older {
			i = 0
		}
		f.checkedUpTo = f.yielded.buckets[i].last
		if err := f.compareBuckets(ctx, i, i+1, yield); err != nil {
			return err
		}
	}
	now := time.Now()
	f.checkAgain = now.Add(checkingShare * now.Sub(begin))
	return nil
}

// isSame reports whether the collection has any of the documents that were yielded
// before the cursor. It serves servers that give collections no UUIDs.
func (f *feed) isSame(ctx context.Context) (same bool, err error) {
	buckets := f.yielded.buckets
	if len(buckets) == 0 {
		return true, nil
	}
	found, i := bucket{}, 0
	next := func() {
		same = same || found.count > 0 && found.count == buckets[i].count && found.sum == buckets[i].sum
		found = bucket{}
		i++
	}
	for batch, err := range f.ids(ctx, 0, buckets[len(buckets)-1].last) {
		if err != nil || same {
			return same, err
		}
		for _, id := range batch {
			for compareIDs(buckets[i].last, id) < 0 {
				next()
			}
			found.count++
			found.sum += digestOf(id)
		}
	}
	next()
	return same, nil
}
