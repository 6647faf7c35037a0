package mongo

import (
	"context"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An entry is a notification of a document, or the reason why the document cannot
// be read.
type entry struct {
	osprofiler.Notification

	id  bson.RawValue
	err error
}

// A query is read in batches.
type query[T any] struct {
	// open sends the query. After the server lost the cursor, open is called
	// again, and the query continues behind the documents that decode already got.
	open func(ctx context.Context, c *collections) (*gomongo.Cursor, error)
	// decode makes a value of a document. It copies what it keeps. An error ends
	// the query.
	decode func(ctx context.Context, document bson.Raw) (T, error)
	// size returns how many bytes a value has, besides those of its document; nil
	// if it has none. The document of a large notification is small.
	size func(value *T) int
}

// batchBytes is the size in bytes from which a batch is yielded before its end, so that
// little is in memory.
const batchBytes = 4 << 20

// closing is how long the server may take to close a cursor.
const closing = time.Second

// batches yields the values of a query, one batch of the server at a time. No
// connection is in use while yield runs. The server closes a cursor that nobody
// used for ten minutes. Then the query is sent again.
func batches[T any](ctx context.Context, d *database, q query[T]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		r := &batchReader[T]{query: q, whole: ctx}
		defer func() { r.close(ctx) }()
		for !r.done {
			batch, err := call(ctx, d, r.next)
			if r.cursor != nil && r.worked && isLostCursor(err) {
				r.close(ctx)
				r.worked = false
				if len(batch) > 0 && !yield(batch, nil) {
					return
				}
				continue
			}
			if len(batch) > 0 && !yield(batch, nil) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// A batchReader reads a query.
type batchReader[T any] struct {
	query[T]

	whole  context.Context //nolint:containedctx // of all batches: decode may ask for chunks, each within the time for one answer
	cursor *gomongo.Cursor
	worked bool // the cursor gave something, so that it is useful to open it again
	done   bool
}

// next returns the documents that one answer of the server has. It returns fewer
// if they are large.
func (r *batchReader[T]) next(ctx context.Context, c *collections) (batch []T, err error) {
	if r.cursor == nil {
		if r.cursor, err = r.open(ctx, c); err != nil {
			return nil, err
		}
	}
	for bytes := 0; bytes < batchBytes; {
		if len(batch) > 0 && r.cursor.RemainingBatchLength() == 0 {
			return batch, nil
		}
		if !r.cursor.Next(ctx) {
			r.done = r.cursor.Err() == nil
			return batch, r.cursor.Err()
		}
		value, err := r.decode(r.whole, r.cursor.Current)
		if err != nil {
			return batch, err
		}
		r.worked = true
		batch = append(batch, value)
		bytes += len(r.cursor.Current)
		if r.size != nil {
			bytes += r.size(&value)
		}
	}
	return batch, nil
}

// close closes the cursor on the server.
func (r *batchReader[T]) close(ctx context.Context) {
	if r.cursor == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	_ = r.cursor.Close(ctx) // the server closes a cursor by itself later
	r.cursor = nil
}

// decodeEntry makes an entry of a document. Only an error that is not about the
// document is returned.
func (d *database) decodeEntry(ctx context.Context, document bson.Raw) (e entry, err error) {
	e.Notification, e.err = d.notification(ctx, document)
	if store.Ends(e.err) {
		return e, e.err
	}
	e.id = cloneValue(document.Lookup(keyID))
	return e, nil
}

func (e *entry) size() int { return e.Size() }

// cloneValue copies a value out of a document.
func cloneValue(v bson.RawValue) bson.RawValue {
	return bson.RawValue{Type: v.Type, Value: append([]byte(nil), v.Value...)}
}

// Codes of MongoDB's errors.
const (
	codeCursorNotFound = 43
	codeNamespaceGone  = 26
)

// isLostCursor reports whether the server does not know a cursor any more.
func isLostCursor(err error) bool { return hasCode(err, codeCursorNotFound) }
