package mongo

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

// Write implements driver.Writer. It sends unordered inserts, each of as many
// notifications as fit into one message. nil means that the server has confirmed
// all of the batch by the write concern, which is w=majority and j=true unless
// the connection string or the client of New says otherwise. A notification that
// is stored already is not stored again. The error is a *store.WriteError that
// names the notifications that were not confirmed.
func (d *database) Write(ctx context.Context, batch []osprofiler.Notification) error {
	w := &writing{database: d, batch: batch, done: outcome.Of(batch), now: time.Now()}
	first := make([]item, len(batch))
	for i := range batch {
		first[i] = item{index: i, id: idOf(&batch[i])}
	}
	info, err := d.serverInfo(ctx)
	if err != nil {
		w.miss(ctx, err, indicesOf(first)...)
		return w.done.Err()
	}
	w.limits = limitsOf(info)
	w.run(ctx, first)
	if d.filterErrorTrace {
		w.recordFailures(ctx)
	}
	if len(w.done.Missing()) == 0 {
		d.ensureIndexes(ctx)
		_ = d.ensureTTL(ctx) // Ping reports an error
	}
	return w.done.Err()
}

// An item is a notification that is to be written.
type item struct {
	index  int // into the batch
	id     bson.ObjectID
	form   form
	broken int // how often the connection broke when the item was sent by itself
}

// A writing is one call of Write.
type writing struct {
	*database
	batch  []osprofiler.Notification
	limits limits
	done   *outcome.Outcome
	splits int // how many messages were sent in halves
	now    time.Time
}

// limits are the largest sizes that the server accepts.
type limits struct{ document, message, count int }

// mostMessage bounds a message, so that the server answers it in little time and
// so that Write needs little memory.
const mostMessage = 12 << 20

// messageOverhead is the size in bytes of a message without its documents.
const messageOverhead = 16 << 10

func limitsOf(info *serverInfo) limits {
	l := limits{document: 16<<20 - writtenSize, message: mostMessage, count: 100_000}
	if info.maxDocument > 0 {
		l.document = info.maxDocument - writtenSize
	}
	if info.maxMessage > 2*messageOverhead {
		l.message = min(l.message, info.maxMessage-messageOverhead)
	}
	if info.maxBatch > 0 {
		l.count = min(l.count, info.maxBatch)
	}
	return l
}

// run writes the items. A group that is to be written again, in another form or
// in halves, is written next.
func (w *writing) run(ctx context.Context, items []item) {
	groups := [][]item{items}
	for len(groups) > 0 {
		group := groups[len(groups)-1]
		groups = groups[:len(groups)-1]
		sent, documents, err := w.message(ctx, group)
		if rest := group[len(sent):]; len(rest) > 0 {
			groups = append(groups, rest)
		}
		if err == nil {
			err = w.insert(ctx, documents)
		}
		again := w.judge(ctx, sent, err)
		groups = append(groups, again...)
		if len(again) == 0 && sent[0].form == chunked {
			w.confirm(ctx, &sent[0])
		}
		if ctx.Err() != nil {
			break
		}
	}
	for _, rest := range groups {
		w.miss(ctx, ctx.Err(), indicesOf(rest)...)
	}
}

// confirm looks for the chunks of an item that counts as stored.
func (w *writing) confirm(ctx context.Context, it *item) {
	if slices.Contains(w.done.Missing(), it.index) || slices.Contains(w.done.Refused(), it.index) {
		return
	}
	if err := w.confirmChunks(ctx, it); err != nil {
		w.miss(ctx, err, it.index)
	}
}

// message encodes as many of the items as fit into one message, at least one. The
// error is about the chunks of the last item. An item is not sent without its chunks.
// If there is an error, the item is the only one.
func (w *writing) message(ctx context.Context, items []item) (sent []item, documents []any, err error) {
	size := 0
	for i := range items {
		if items[i].form == chunked && i > 0 {
			return items[:i], documents, nil
		}
		document := w.document(&items[i])
		if size += len(document); i > 0 && (size > w.limits.message || i == w.limits.count || items[i].form == chunked) {
			return items[:i], documents, nil
		}
		if w.ttl > 0 {
			document = appendWritten(document, w.now)
		}
		documents = append(documents, bson.Raw(document))
		if items[i].form == chunked {
			return items[:1], documents, w.insertChunks(ctx, &items[i])
		}
	}
	return items, documents, nil
}

// document encodes an item, in a form in which the document is small enough.
func (w *writing) document(it *item) []byte {
	n := &w.batch[it.index]
	if it.form == whole {
		if document := encode(n, it.id); len(document) <= w.limits.document {
			return document
		}
		it.form = bare
	}
	if it.form == bare {
		if document := encodeBare(n, it.id, 0); len(document) <= w.limits.document {
			return document
		}
		it.form = chunked
	}
	return encodeBare(n, it.id, chunkCount(n))
}

// insert sends one unordered insert.
func (w *writing) insert(ctx context.Context, documents []any) error {
	if w.writeTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.writeTimeout)
		defer cancel()
	}
	result, err := try(ctx, w.database, func(ctx context.Context, c *collections) (*gomongo.InsertManyResult, error) {
		return c.events.InsertMany(ctx, documents, options.InsertMany().SetOrdered(false))
	})
	if err == nil && !result.Acknowledged {
		return errUnacknowledged
	}
	return err
}

var errUnacknowledged = errors.New("the write concern w=0 asks for no answer; it should be w=1 at least, or w=majority")

func indicesOf(items []item) []int {
	indices := make([]int, len(items))
	for i := range items {
		indices[i] = items[i].index
	}
	return indices
}

// miss adds notifications that are not known to be stored. If the context has ended,
// the reason is not the lack of a server.
func (w *writing) miss(ctx context.Context, err error, indices ...int) {
	w.done.Miss(w.explain(ctx, err), ctx.Err() == nil && isTransient(err), indices...)
}
