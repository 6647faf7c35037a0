package mongo

import (
	"context"
	"iter"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Traces implements driver.Lister.
//
// Without a limit and Since, the server sums up all traces (groups.go), or, if it
// cannot, all documents are read in the order of their base ids (sums.go). With a
// limit or Since, the events are gone through from the newest to the oldest, and
// only the traces of the events that were passed are summed up (walk.go).
//
// A server can sum up plain documents, whose fields say what a Summary needs. A
// trace with another document is read: see groupFields.
//
// A listing has in memory one batch of documents, the Summaries of one batch,
// 16 bytes for each trace that a walk passed, and the foreign base ids.
func (d *database) Traces(ctx context.Context, q store.Query) iter.Seq2[store.Summary, error] {
	return func(yield func(store.Summary, error) bool) {
		l := &listing{
			database: d, q: q, yield: yield,
			newest: newestTimes{limit: q.Limit}, passed: map[[16]byte]struct{}{}, apart: map[string]struct{}{}, damaged: map[string]struct{}{},
			pager: paging.Pager{First: 16, Most: 1000},
		}
		_ = l.readForeign(ctx) && l.listOrdinary(ctx) && l.listApart(ctx)
	}
}

// A listing is one call of Traces. Its methods return false when it is over.
type listing struct {
	*database

	q      store.Query
	yield  func(store.Summary, error) bool
	newest newestTimes
	passed map[[16]byte]struct{} // by the hash of the base id: the traces that a walk passed

	pager    paging.Pager        // of first notifications
	apart    map[string]struct{} // the ids of traces with foreign base ids
	apartIDs []string            // the base ids of documents that do not have the id itself
	damaged  map[string]struct{} // errors that were yielded and may come again
}

// A trace is a trace of which documents are being read.
type trace struct {
	driver.Summarizer

	first bson.RawValue // the _id of the first notification
}

func (t *trace) add(e *entry) {
	if t.Add(&e.Notification) {
		t.first = e.id
	}
}

// fail yields an error.
func (l *listing) fail(err error) bool {
	return l.yield(store.Summary{}, err) && !store.Ends(err)
}

// listOrdinary yields the traces whose base ids are strings.
func (l *listing) listOrdinary(ctx context.Context) bool {
	if l.q.Limit > 0 || !l.q.Since.IsZero() {
		return l.walk(ctx)
	}
	done, goOn := l.groupAll(ctx)
	if !done && goOn {
		return l.readAll(ctx)
	}
	return goOn
}

// A row is a Summary and the _id of the first notification.
type row struct {
	store.Summary

	first bson.RawValue
}

// emit yields rows. The first notifications are read if the query asks for them.
// Traces whose first notification was deleted meanwhile are left out.
func (l *listing) emit(ctx context.Context, rows []row) bool {
	rows = slices.DeleteFunc(rows, func(r row) bool { return !l.q.Matches(&r.Summary) })
	for len(rows) > 0 {
		some := rows
		if l.q.First {
			some = rows[:min(len(rows), l.pager.Next())]
			if err := l.addFirsts(ctx, some); err != nil {
				return l.fail(err)
			}
		}
		for i := range some {
			if l.q.First && some[i].First == nil {
				continue
			}
			l.newest.add(l.q.Time(&some[i].Summary))
			if !l.yield(some[i].Summary, nil) {
				return false
			}
		}
		rows = rows[len(some):]
	}
	return true
}

// addFirsts adds the first notifications of rows.
func (l *listing) addFirsts(ctx context.Context, rows []row) error {
	firsts, err := l.firsts(ctx, rows)
	if err != nil {
		return err
	}
	bytes := 0
	for i := range rows {
		if rows[i].First = firsts[keyOfID(rows[i].first)]; rows[i].First != nil {
			bytes += rows[i].First.Size()
		}
	}
	l.pager.Add(len(rows), bytes)
	return nil
}

// firsts returns the first notifications of rows, by the keys of their _ids.
func (l *listing) firsts(ctx context.Context, rows []row) (map[string]*osprofiler.Notification, error) {
	ids := make(bson.A, len(rows))
	for i := range rows {
		ids[i] = rows[i].first
	}
	firsts := make(map[string]*osprofiler.Notification, len(rows))
	for batch, err := range batches(ctx, l.database, l.findEntries(bson.D{{Key: keyID, Value: bson.D{{Key: "$in", Value: ids}}}}, nil)) {
		if err != nil {
			return nil, err
		}
		for i := range batch {
			if batch[i].err == nil {
				firsts[keyOfID(batch[i].id)] = &batch[i].Notification
			}
		}
	}
	return firsts, nil
}

// keyOfID returns a text that two _ids share only if they are the same.
func keyOfID(id bson.RawValue) string { return string(append([]byte{byte(id.Type)}, id.Value...)) }
