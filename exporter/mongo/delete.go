package mongo

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// mostDeleted is how many traces one command deletes.
const mostDeleted = 500

// Delete implements driver.Deleter. It deletes the trace's documents, their
// chunks, and the record of its failure.
func (d *database) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	deletions, err := d.DeleteTraces(ctx, []string{baseID})
	if len(deletions) == 0 {
		return 0, err
	}
	return deletions[0].Notifications, err
}

// DeleteTraces implements driver.BulkDeleter. A command that deletes many traces
// says only how many documents it deleted in all, so that the documents of each
// trace are counted before. Notifications that are written at that moment are
// deleted and not counted.
func (d *database) DeleteTraces(ctx context.Context, baseIDs []string) (deletions []driver.Deletion, err error) {
	deletions = make([]driver.Deletion, len(baseIDs))
	index := make(map[string]int, len(baseIDs))
	for i, id := range baseIDs {
		index[id] = i
	}
	for some := range slices.Chunk(baseIDs, mostDeleted) {
		counts, err := d.deleteTogether(ctx, some)
		for stored, count := range counts {
			if i, ok := index[stored]; ok {
				deletions[i].Notifications += count
			}
		}
		if err != nil {
			return deletions, err
		}
	}
	return deletions, d.deleteForeign(ctx, baseIDs, index, deletions)
}

// deleteTogether deletes the documents of traces, and returns how many each trace
// had. The events are deleted first, because a reader that finds an event asks for
// its chunks.
func (d *database) deleteTogether(ctx context.Context, baseIDs []string) (counts map[string]int, err error) {
	filter, others, traces := storedIn(baseIDs)
	if len(baseIDs) > 1 {
		if counts, err = d.count(ctx, filter, traces); err != nil {
			return nil, err
		}
	}
	deleted, err := d.deleteMany(ctx, filter, func(c *collections) *gomongo.Collection { return c.events })
	if err != nil {
		return nil, err
	}
	if len(baseIDs) == 1 {
		counts = map[string]int{baseIDs[0]: deleted}
	}
	for _, other := range []func(c *collections) *gomongo.Collection{
		func(c *collections) *gomongo.Collection { return c.chunks }, func(c *collections) *gomongo.Collection { return c.errors },
	} {
		if _, err := d.deleteMany(ctx, others, other); err != nil {
			return counts, err
		}
	}
	return counts, nil
}

// storedIn returns the filter for the events of traces with ordinary base ids, the
// filter for the other documents of these traces, and the trace of each value that the
// documents may have as a base id. A list with such a value is not a base id of the trace.
//
// An id may have the form that the stored value of a long id has. The documents
// with that value and an original belong to the trace with the long id.
func storedIn(baseIDs []string) (events, others bson.D, traces map[string]string) {
	var values, ambiguous bson.A
	traces = make(map[string]string, len(baseIDs))
	for _, id := range baseIDs {
		for _, stored := range storedIDs(id) {
			if text := stored.(string); isHashed(text) && text == id {
				ambiguous = append(ambiguous, stored)
			} else {
				values = append(values, stored)
			}
			traces[stored.(string)] = id
		}
	}
	others = withoutLists(values)
	if len(ambiguous) == 0 {
		return others, others, traces
	}
	isMissing := bson.D{{Key: "$exists", Value: false}}
	foreign := append(withoutLists(ambiguous), bson.E{Key: keyOriginal, Value: isMissing}, bson.E{Key: keyChunks, Value: isMissing})
	return bson.D{{Key: "$or", Value: bson.A{others, foreign}}}, others, traces
}

// withoutLists returns the filter for documents whose base id is one of some values.
func withoutLists(values bson.A) bson.D {
	return bson.D{{Key: "$and", Value: bson.A{
		bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$in", Value: values}}}},
		bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$type", Value: "array"}}}}}},
	}}}
}

// count returns how many documents each of some traces has.
func (d *database) count(ctx context.Context, filter bson.D, traces map[string]string) (counts map[string]int, err error) {
	type one struct {
		id string
		n  int
	}
	groups := query[one]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			counts = map[string]int{}
			return primary(c.events).Aggregate(ctx, gomongo.Pipeline{
				{{Key: "$match", Value: filter}},
				{{Key: "$group", Value: bson.D{{Key: keyID, Value: field(keyBaseID)}, accumulate("n", "$sum", 1)}}},
			})
		},
		decode: func(_ context.Context, document bson.Raw) (o one, err error) {
			o.id, _ = document.Lookup(keyID).StringValueOK()
			n, _ := document.Lookup("n").AsInt64OK()
			o.n = int(n)
			return o, nil
		},
	}
	for batch, err := range batches(ctx, d, groups) {
		if err != nil {
			return nil, err
		}
		for _, o := range batch {
			counts[traces[o.id]] += o.n
		}
	}
	return counts, nil
}

func (d *database) deleteMany(ctx context.Context, filter bson.D, in func(*collections) *gomongo.Collection) (deleted int, err error) {
	return call(ctx, d, func(ctx context.Context, c *collections) (int, error) {
		result, err := in(c).DeleteMany(ctx, filter)
		if err != nil {
			return 0, err
		}
		return int(result.DeletedCount), nil
	})
}

// deleteForeign deletes the documents of traces whose base id is not a string. Such
// documents are rare.
func (d *database) deleteForeign(ctx context.Context, baseIDs []string, index map[string]int, deletions []driver.Deletion) error {
	filter := hasForeign(keyBaseID)
	if !slices.ContainsFunc(baseIDs, func(id string) bool { _, isUUID := uuidOf(id); return !isUUID }) {
		filter = bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$type", Value: "binData"}}}} // of the others, no text is a UUID
	}
	ids := map[string]bson.A{}
	for batch, err := range batches(ctx, d, fromPrimary(d.findEntries(filter, summaryFields))) {
		if err != nil {
			return err
		}
		for i := range batch {
			if id := driver.Text(batch[i].BaseID); !store.Ends(batch[i].err) && batch[i].err == nil {
				if _, asked := index[id]; asked {
					ids[id] = append(ids[id], batch[i].id)
				}
			}
		}
	}
	for id, values := range ids {
		for some := range slices.Chunk(values, mostDeleted) {
			filter := bson.D{{Key: keyID, Value: bson.D{{Key: "$in", Value: some}}}}
			deleted, err := d.deleteMany(ctx, filter, func(c *collections) *gomongo.Collection { return c.events })
			if err != nil {
				return err
			}
			deletions[index[id]].Notifications += deleted
		}
	}
	return nil
}

var _ driver.BulkDeleter = (*database)(nil)
