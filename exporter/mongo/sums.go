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
func (d *database) findEntries(filter, fields bson.D) query[entry] {
	return query[entry]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			find := options.Find()
			if fields != nil {
				find.SetProjection(fields)
			}
			return c.events.Find(ctx, filter, find)
		},
		decode: d.decodeEntry,
		size:   (*entry).size,
	}
}

// collect returns the traces of the documents of a filter, and the errors about
// documents. wanted reports whether a trace is to be returned.
func (l *listing) collect(ctx context.Context, filter bson.D, wanted func(id string) bool) (traces map[string]*trace, damages []error, err error) {
	traces = map[string]*trace{}
	q := l.findEntries(filter, summaryFields)
	open := q.open
	q.open = func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
		clear(traces) // the query begins again from the start
		damages = nil
		return open(ctx, c)
	}
	for batch, err := range batches(ctx, l.database, q) {
		if err != nil {
			return nil, nil, err
		}
		for i := range batch {
			e := &batch[i]
			id := driver.Text(e.BaseID)
			switch {
			case e.err != nil:
				damages = append(damages, e.err)
				continue
			case !wanted(id):
				continue
			case traces[id] == nil:
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
		filter := bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$in", Value: some}}}}
		if !l.listCollected(ctx, filter, func(id string) bool { return asked[id] }) {
			return false
		}
	}
	return true
}

// finish yields errors about documents, and traces.
func (l *listing) finish(ctx context.Context, traces map[string]*trace, damages []error) bool {
	for _, err := range damages {
		if _, told := l.damaged[err.Error()]; !told && !l.fail(err) {
			return false
		}
	}
	rows := make([]row, 0, len(traces))
	for _, t := range traces {
		rows = append(rows, row{Summary: t.Summary(), first: t.first})
	}
	return l.emit(ctx, rows)
}

// readForeign finds the traces with documents whose base id is not a string.
func (l *listing) readForeign(ctx context.Context) bool {
	for batch, err := range batches(ctx, l.database, l.findEntries(hasForeign(keyBaseID), summaryFields)) {
		if err != nil {
			return l.fail(err)
		}
		for i := range batch {
			if err := batch[i].err; err == nil {
				l.apart[driver.Text(batch[i].BaseID)] = struct{}{}
				continue
			}
			l.damaged[batch[i].err.Error()] = struct{}{}
			if !l.fail(batch[i].err) {
				return false
			}
		}
	}
	return true
}

// isApart reports whether the trace of a string is not listed with the others,
// and remembers the string for listApart.
func (l *listing) isApart(stored string) bool {
	if _, isForeign := l.apart[stored]; isForeign {
		return true
	}
	if isOrdinary(stored) {
		return false
	}
	l.apartIDs = append(l.apartIDs, stored)
	return true
}

// listApart yields the traces that have documents with a foreign base id, and
// those whose documents do not have the base id itself, because it is too long.
func (l *listing) listApart(ctx context.Context) bool {
	listed := map[string]bool{} // the base ids, as strings, that were listed as foreign
	for some := range slices.Chunk(slices.Collect(maps.Keys(l.apart)), tracesAtOnce) {
		asked, values := make(map[string]bool, len(some)), bson.A{}
		for _, id := range some {
			asked[id] = true
			values = append(values, storedIDs(id)...)
		}
		for _, stored := range values {
			listed[stored.(string)] = true
		}
		filter := bson.D{{Key: "$or", Value: append(bson.A{oneOf(values)}, foreignFilters(keyBaseID)...)}}
		if !l.listCollected(ctx, filter, func(id string) bool { return asked[id] }) {
			return false
		}
	}
	slices.Sort(l.apartIDs)
	rest := slices.DeleteFunc(slices.Compact(l.apartIDs), func(stored string) bool { return listed[stored] })
	for some := range slices.Chunk(rest, tracesAtOnce) {
		isOther := func(id string) bool { _, isForeign := l.apart[id]; return !isForeign }
		if !l.listCollected(ctx, bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$in", Value: some}}}}, isOther) {
			return false
		}
	}
	return true
}

// listCollected yields the traces of the documents of a filter. wanted reports
// whether a trace is to be yielded.
func (l *listing) listCollected(ctx context.Context, filter bson.D, wanted func(id string) bool) bool {
	traces, damages, err := l.collect(ctx, filter, wanted)
	if err != nil {
		return l.fail(err)
	}
	return l.finish(ctx, traces, damages)
}

// A sortedReader reads all documents in the order of their base ids.
type sortedReader struct {
	*listing

	current trace
	last    string   // the base id of the document that was added last
	stored  []string // the base ids of the documents of the batch that is decoded
	worked  bool     // the server can sort
}

// readAll reads all documents in the order of their base ids, and yields the
// ordinary traces. If the server cannot sort, it reads the base ids first.
func (l *listing) readAll(ctx context.Context) bool {
	r := &sortedReader{listing: l}
	for batch, err := range batches(ctx, l.database, r.query()) {
		switch {
		case err != nil && !r.worked && (isNotImplemented(err) || hasCode(err, codeNoMemory)):
			return l.readByIDs(ctx)
		case err != nil:
			return l.fail(err)
		}
		r.worked = true
		if !r.addBatch(ctx, batch) {
			return false
		}
	}
	return l.emit(ctx, r.finished(nil))
}

func (r *sortedReader) query() query[entry] {
	q := r.findEntries(nil, summaryFields)
	decode := q.decode
	q.open = func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
		filter := bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$gte", Value: r.last}}}}
		r.current.Reset() // the trace is read from its beginning
		find := options.Find().SetProjection(summaryFields).SetSort(bson.D{{Key: keyBaseID, Value: 1}}).SetAllowDiskUse(true)
		return c.events.Find(ctx, filter, find)
	}
	q.decode = func(ctx context.Context, document bson.Raw) (entry, error) {
		id, isString := document.Lookup(keyBaseID).StringValueOK()
		if !isString {
			id = notString // a list with a string
		}
		r.stored = append(r.stored, id)
		return decode(ctx, document)
	}
	return q
}

// addBatch adds the documents of a batch, and yields the traces that end in it.
func (r *sortedReader) addBatch(ctx context.Context, batch []entry) bool {
	var rows []row
	for i := range batch {
		id := r.stored[i]
		if id == notString {
			continue
		}
		if id != r.last {
			rows = r.finished(rows)
		}
		r.last = id
		if err := batch[i].err; err != nil {
			if !r.fail(err) {
				return false
			}
		} else if !r.isApartOnce(id) {
			r.current.add(&batch[i])
		}
	}
	r.stored = r.stored[:0]
	return r.emit(ctx, rows)
}

// finished adds the row of the current trace to others, if there is one.
func (r *sortedReader) finished(rows []row) []row {
	if r.current.Len() > 0 {
		rows = append(rows, row{Summary: r.current.Summary(), first: r.current.first})
		r.current.Reset()
	}
	return rows
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

// notString stands for a base id that is not a string. No string of a document has
// these bytes.
const notString = "\xff"
