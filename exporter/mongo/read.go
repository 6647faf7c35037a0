package mongo

import (
	"context"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Notifications implements driver.Reader. It yields the notifications in the order in
// which the server finds the documents, like Python's driver, which requests no order.
// MongoDB finds the documents of a trace in the order in which they were inserted. While
// the caller works on one batch, the next batch is fetched and decoded.
func (d *database) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		filter := ofTrace(baseID)
		read := func(ctx context.Context) iter.Seq2[[]entry, error] {
			return batches(ctx, d, d.traceQuery(baseID, filter))
		}
		for batch, err := range paging.Ahead(ctx, read) {
			if err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			for i := range batch {
				if !yield(batch[i].Notification, batch[i].err) {
					return
				}
			}
		}
	}
}

// traceQuery reads the documents of a filter in the order of the server. A query
// that is sent again skips as many documents as were read, because that order has
// no place to go on from.
func (d *database) traceQuery(baseID string, filter bson.D) query[entry] {
	var read int64
	return query[entry]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			find := options.Find()
			if read > 0 {
				find.SetSkip(read)
			}
			return c.events.Find(ctx, filter, find)
		},
		decode: func(ctx context.Context, document bson.Raw) (e entry, err error) {
			e.Notification, err = d.notification(ctx, document)
			if store.Ends(err) {
				return e, err
			}
			read++
			e.err = inTrace(err, baseID)
			return e, nil
		},
		size: (*entry).size,
	}
}

// inTrace records in an error about a document whether the document belongs to the
// trace that is being read.
func inTrace(err error, baseID string) error {
	damage, ok := err.(*store.DamageError) //nolint:errorlint // decoding returns it as it is
	if !ok || damage.InTrace || driver.Text(damage.BaseID) != baseID {
		return err
	}
	inTrace := *damage
	inTrace.InTrace = true
	return &inTrace
}
