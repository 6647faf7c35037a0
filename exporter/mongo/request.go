package mongo

import (
	"context"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// TracesOfRequest implements driver.RequestFinder. It reads all documents once,
// because no filter of a server searches an info whatever its members are. For a window
// of time, it reads only the documents of the traces in the window, with one query for
// many traces.
func (d *database) TracesOfRequest(ctx context.Context, q store.Query) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if q.Since.IsZero() {
			d.findRequest(ctx, bson.D{}, q.RequestID, yield)
			return
		}
		for ids, err := range driver.TracesInWindow(ctx, d, q, tracesAtOnce) {
			if err != nil {
				if !yield("", err) || store.Ends(err) {
					return
				}
				continue
			}
			if !d.findRequest(ctx, ofTraces(ids), q.RequestID, yield) {
				return
			}
		}
	}
}

// findRequest yields the base ids of the documents of a filter that mention the request.
func (d *database) findRequest(ctx context.Context, filter bson.D, requestID string, yield func(string, error) bool) (goOn bool) {
	for batch, err := range batches(ctx, d, d.findEntries(filter, nil)) {
		if err != nil {
			yield("", err)
			return false
		}
		for i := range batch {
			e := &batch[i]
			if (e.err != nil || driver.MentionsRequest(e.Info, requestID)) && !yield(e.BaseID, e.err) {
				return false
			}
		}
	}
	return true
}
