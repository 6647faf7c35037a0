package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
)

// A scanState says what a feed by _ids has to look for.
type scanState struct {
	due          bool // documents in front of the last one are to be looked for
	othersRead   bool // documents with _ids of other types were looked for
	othersBefore int  // how many of those were yielded before the cursor
	drift        int  // how many documents more the server counts than there are

	checkedUpTo bson.ObjectID // the end of the bucket that was looked into last
	checkAgain  time.Time     // when to look into the next one
}

// scan yields the documents that were not yielded.
//
// Documents with larger _ids than all others are read first. Then the number of
// documents in the collection is compared with the number of documents that were
// yielded. If the two differ, all _ids are read and compared. This would miss documents
// if as many documents were deleted as were inserted at the same time. Therefore each
// scan also reads the _ids of the newest documents and of a bucket of older ones, so
// that the scans reach all buckets in turn.
func (f *feed) scan(ctx context.Context, yield func(osprofiler.Notification, error) bool) error {
	f.yielded.summed = f.token != nil && !f.due
	if f.due {
		if err := f.compareAll(ctx, yield); err != nil {
			return err
		}
	}
	before, err := f.count(ctx)
	if err != nil {
		return err
	}
	isFirst := f.yielded.isEmpty()
	if !f.othersRead {
		if err := f.readOthers(ctx, yield); err != nil {
			return err
		}
	}
	if err := f.readNew(ctx, yield); err != nil {
		return err
	}
	if f.token != nil { // the stream has the rest
		return nil
	}
	fits, err := f.fits(ctx, before)
	switch {
	case err != nil:
		return err
	case fits && isFirst: // everything was just read
		return nil
	case fits:
		return f.checkSome(ctx, yield)
	}
	f.due = true
	if err := f.compareAll(ctx, yield); err != nil {
		return err
	}
	return f.measureDrift(ctx)
}

// count returns how many documents the server says there are.
func (f *feed) count(ctx context.Context) (int, error) {
	return call(ctx, f.database, func(ctx context.Context, c *collections) (int, error) {
		n, err := primary(c.events).EstimatedDocumentCount(ctx)
		return int(n), err
	})
}

// fits reports whether as many documents were yielded as there are. before is the
// number of documents before new ones were read. Those that were inserted
// meanwhile may be among them.
func (f *feed) fits(ctx context.Context, before int) (bool, error) {
	yielded := f.yielded.total() + f.drift
	if yielded <= before {
		return yielded == before, nil
	}
	after, err := f.count(ctx)
	return yielded <= after, err
}

// measureDrift notes by how much the server's number is wrong, as it may be after
// a server crashed. Everything was just compared. If something is written at that
// moment, the number says nothing.
func (f *feed) measureDrift(ctx context.Context) error {
	first, err := f.count(ctx)
	if err != nil || first == f.yielded.total()+f.drift {
		return err
	}
	exact, err := call(ctx, f.database, func(ctx context.Context, c *collections) (int, error) {
		n, err := primary(c.events).CountDocuments(ctx, bson.D{})
		return int(n), err
	})
	if err != nil {
		return err
	}
	second, err := f.count(ctx)
	if err == nil && first == second && exact == f.yielded.total() {
		f.drift = first - exact
	}
	return err
}

// readNew yields the documents with larger _ids than all that were yielded.
func (f *feed) readNew(ctx context.Context, yield func(osprofiler.Notification, error) bool) error {
	last := f.yielded.last()
	q := query[entry]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			filter := bson.D{{Key: keyID, Value: bson.D{{Key: "$gt", Value: last}}}}
			return primary(c.events).Find(ctx, filter, options.Find().SetSort(bson.D{{Key: keyID, Value: 1}}))
		},
		decode: func(ctx context.Context, document bson.Raw) (entry, error) {
			id, ok := document.Lookup(keyID).ObjectIDOK()
			if !ok || compareIDs(id, last) <= 0 {
				return entry{}, f.unasked(document)
			}
			e, err := f.decodeEntry(ctx, document)
			if err == nil {
				last = id
			}
			return e, err
		},
		size: (*entry).size,
	}
	return f.each(ctx, q, func(e *entry) bool {
		f.yielded.append(e.id.ObjectID())
		return yield(e.Notification, e.err)
	})
}

// each calls a function with each entry of a query.
func (f *feed) each(ctx context.Context, q query[entry], do func(e *entry) bool) error {
	for batch, err := range batches(ctx, f.database, q) {
		if err != nil {
			return err
		}
		for i := range batch {
			if !do(&batch[i]) {
				return errLeft
			}
		}
	}
	return nil
}

// readOthers yields the documents whose _ids are not ObjectIDs.
func (f *feed) readOthers(ctx context.Context, yield func(osprofiler.Notification, error) bool) error {
	if f.yielded.others == nil {
		f.yielded.others = map[uint64]struct{}{}
	}
	found := map[uint64]struct{}{}
	q := f.findEntries(bson.D{{Key: keyID, Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$type", Value: "objectId"}}}}}}, nil)
	err := f.each(ctx, q, func(e *entry) bool {
		hash := hashOf(e.id)
		found[hash] = struct{}{}
		if _, known := f.yielded.others[hash]; known {
			return true
		}
		f.yielded.others[hash] = struct{}{}
		return yield(e.Notification, e.err)
	})
	if err == nil {
		f.yielded.others, f.othersRead = found, true // without those that were deleted
	}
	return err
}

func hashOf(id bson.RawValue) uint64 {
	hash := uint64(id.Type)
	for _, b := range id.Value {
		hash = mix(hash + uint64(b) + 0x9e3779b97f4a7c15)
	}
	return hash
}
