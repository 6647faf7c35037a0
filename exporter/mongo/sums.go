package mongo

import (
	"context"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The functions in this file sum up traces from their documents, for servers that
// cannot, and for traces that no server can sum up exactly.

// summaryFields are the fields that a Summary is made of.
var summaryFields = func() (fields bson.D) {
	for _, key := range []string{keyBaseID, keyName, keyTraceID, keyParentID, keyTimestamp, keyEtype, keyProject, keyService, keyOriginal, keyChunks} {
		fields = append(fields, bson.E{Key: key, Value: 1})
	}
	return fields
}()

// tracesAtOnce is how many traces one query reads.
const tracesAtOnce = 500

// findEntries reads the documents of a filter that is not too large to be sent
// again from its beginning.
func (d *database) findEntries(filter bson.D, fields bson.D) query[entry] {
	return query[entry]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			find := options.Find()
			if fields != nil {
				find.SetProjection(fields)
			}
			return c.events.Find(ctx, filter, find)
		},
		decode: d.decodeEntry,
	}
}

// collect returns the traces of the documents of a filter, by the key of each
// document, and the errors about documents.
func (l *listing) collect(ctx context.Context, filter bson.D, key func(*entry) (string, bool)) (traces map[string]*trace, damages []error, err error) {
	traces = map[string]*trace{}
	q := l.findEntries(filter, summaryFields)
	open := q.open
	q.open = func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
		clear(traces) // the query begins anew
		damages = nil
		return open(ctx, c)
	}
	for batch, err := range batches(ctx, l.database, q) {
		if err != nil {
			return nil, nil, err
		}
		for i := range batch {
			e := &batch[i]
			if e.err != nil {
				damages = append(damages, e.err)
				continue
			}
			id, ok := key(e)
			if !ok {
				continue
			}
			if traces[id] == nil {
				traces[id] = &trace{}
			}
			traces[id].add(e)
		}
	}
	return traces, damages, nil
}

// readTraces reads traces and yields them.
func (l *listing) readTraces(ctx context.Context, baseIDs []string) bool {
	for some := range slices.Chunk(baseIDs, tracesAtOnce) {
		asked := make(map[string]bool, len(some))
		for _, id := range some {
			asked[id] = true
		}
		byText := func(e *entry) (string, bool) {
			id := driver.Text(e.BaseID)
			return id, asked[id]
		}
		traces, damages, err := l.collect(ctx, bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$in", Value: some}}}}, byText)
		if err != nil {
			return l.fail(err)
		}
		if !l.finish(ctx, traces, damages) {
			return false
		}
	}
	return true
}

// finish yields errors about documents, and traces.
func (l *listing) finish(ctx context.Context, traces map[string]*trace, damages []error) bool {
	for _, err := range damages {
		if !l.fail(err) {
			return false
		}
	}
	rows := make([]row, 0, len(traces))
	for _, t := range traces {
		rows = append(rows, row{Summary: t.Summary(), first: t.first})
	}
	return l.emit(ctx, rows)
}

// readForeign reads the documents whose base id is not a string.
func (l *listing) readForeign(ctx context.Context) bool {
	traces, damages, err := l.collect(ctx, hasForeign(keyBaseID), func(e *entry) (string, bool) { return driver.Text(e.BaseID), true })
	if err != nil {
		return l.fail(err)
	}
	l.apart = traces
	return l.finish(ctx, nil, damages)
}

// isApart reports whether a trace has foreign base ids, too, and remembers its
// base id for finishApart.
func (l *listing) isApart(stored string) bool {
	if _, isForeign := l.apart[stored]; !isForeign && isOrdinary(stored) {
		return false
	}
	l.apartIDs = append(l.apartIDs, stored)
	return true
}

// finishApart reads the other documents of the traces with foreign base ids, and
// yields these traces.
func (l *listing) finishApart(ctx context.Context) bool {
	for id := range l.apart {
		for _, stored := range storedIDs(id) {
			l.apartIDs = append(l.apartIDs, stored.(string))
		}
	}
	slices.Sort(l.apartIDs)
	for some := range slices.Chunk(slices.Compact(l.apartIDs), tracesAtOnce) {
		filter := bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$in", Value: some}}}, {Key: "$nor", Value: bson.A{
			bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$type", Value: "array"}}}}, // was read by readForeign
		}}}
		q := l.findEntries(filter, summaryFields)
		for batch, err := range batches(ctx, l.database, q) {
			if err != nil {
				return l.fail(err)
			}
			for i := range batch {
				e := &batch[i]
				if e.err != nil {
					if !l.fail(e.err) {
						return false
					}
					continue
				}
				id := driver.Text(e.BaseID)
				if l.apart[id] == nil {
					l.apart[id] = &trace{}
				}
				l.apart[id].add(e)
			}
		}
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(l.apart)), tracesAtOnce) {
		traces := make(map[string]*trace, len(some))
		for _, id := range some {
			traces[id] = l.apart[id]
		}
		if !l.finish(ctx, traces, nil) {
			return false
		}
	}
	return true
}

// readAll reads all documents in the order of their base ids, and yields the
// ordinary traces. If the server cannot sort, it reads the base ids first.
func (l *listing) readAll(ctx context.Context) bool {
	current, last, sorted := &trace{}, "", false
	q := l.findEntries(nil, summaryFields)
	q.open = func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
		filter := bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$gte", Value: last}}}}
		current.Reset() // the trace is read from its beginning
		return c.events.Find(ctx, filter, options.Find().SetProjection(summaryFields).SetSort(bson.D{{Key: keyBaseID, Value: 1}}).SetAllowDiskUse(true))
	}
	decode := q.decode
	var stored []string // the base ids of the batch that is being decoded
	q.decode = func(ctx context.Context, document bson.Raw) (entry, error) {
		id, isString := document.Lookup(keyBaseID).StringValueOK()
		if !isString {
			id = last
		}
		stored = append(stored, id)
		return decode(ctx, document)
	}
	for batch, err := range batches(ctx, l.database, q) {
		if err != nil {
			if !sorted && (isNotImplemented(err) || hasCode(err, codeNoMemory)) {
				return l.readByIDs(ctx)
			}
			return l.fail(err)
		}
		sorted = true
		var rows []row
		for i := range batch {
			if stored[i] != last && current.Len() > 0 {
				rows = append(rows, row{Summary: current.Summary(), first: current.first})
				current.Reset()
			}
			last = stored[i]
			if batch[i].err != nil {
				if !l.fail(batch[i].err) {
					return false
				}
			} else if !l.isApartOnce(last) {
				current.add(&batch[i])
			}
		}
		stored = stored[:0]
		if !l.emit(ctx, rows) {
			return false
		}
	}
	if current.Len() == 0 {
		return true
	}
	return l.emit(ctx, []row{{Summary: current.Summary(), first: current.first}})
}

// isApartOnce is isApart for base ids that come several times in a row.
func (l *listing) isApartOnce(stored string) bool {
	if n := len(l.apartIDs); n > 0 && l.apartIDs[n-1] == stored {
		return true
	}
	return l.isApart(stored)
}

// readByIDs reads the base ids, and then the traces.
func (l *listing) readByIDs(ctx context.Context) bool {
	ids := query[string]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			return c.events.Aggregate(ctx, gomongo.Pipeline{{{Key: "$group", Value: bson.D{{Key: keyID, Value: field(keyBaseID)}}}}}, options.Aggregate().SetAllowDiskUse(true))
		},
		decode: func(_ context.Context, document bson.Raw) (string, error) {
			id, isString := document.Lookup(keyID).StringValueOK()
			if !isString {
				return notString, nil
			}
			return id, nil
		},
	}
	for batch, err := range batches(ctx, l.database, ids) {
		if err != nil {
			return l.fail(err)
		}
		batch = slices.DeleteFunc(batch, func(id string) bool { return id == notString || l.isApart(id) || l.isPassed(id) })
		if !l.readTraces(ctx, batch) {
			return false
		}
	}
	return true
}

// notString stands for a base id that is no string. No string of a document has
// such bytes.
const notString = "\xff"
