package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The JSON text of a notification that is too large for one document is stored in
// chunks, in a collection of our own:
//
//	{"_id": {"doc": ObjectId of the document, "n": 0}, "base_id": "…", "data": BinData}
//
// The chunks are written before the document, so that a reader who sees the document
// finds its chunks.
const (
	keyDocument = "doc"
	keyNumber   = "n"
	keyData     = "data"
)

// chunkSize is the largest part of a text, in bytes, that one chunk has. It must not
// change, because a chunk with an _id that exists already counts as the same chunk.
// Cosmos DB accepts documents of up to 2 MiB.
const chunkSize = 1 << 20

// chunksPerInsert is how many chunks one message has.
const chunksPerInsert = 8

// chunkID returns the _id of a chunk. The order of its keys counts.
func chunkID(document bson.ObjectID, n int) bson.D {
	return bson.D{{Key: keyDocument, Value: document}, {Key: keyNumber, Value: int32(n)}}
}

// chunkCount returns how many chunks the JSON text of a notification has.
func chunkCount(n *osprofiler.Notification) int {
	return (len(n.JSON()) + chunkSize - 1) / chunkSize
}

// insertChunks writes the chunks of an item.
func (w *writing) insertChunks(ctx context.Context, it *item) error {
	n := &w.batch[it.index]
	var chunks []any
	var ids bson.A
	text := []byte(n.JSON())
	for number := 0; len(text) > 0; number++ {
		part := text[:min(chunkSize, len(text))]
		text = text[len(part):]
		chunk := bson.D{
			{Key: keyID, Value: chunkID(it.id, number)},
			{Key: keyBaseID, Value: storedID(driver.Text(n.BaseID))},
			{Key: keyData, Value: bson.Binary{Data: part}},
		}
		if w.ttl > 0 {
			chunk = append(chunk, bson.E{Key: keyWritten, Value: w.now})
		}
		chunks, ids = append(chunks, chunk), append(ids, chunkID(it.id, number))
		if len(chunks) < chunksPerInsert && len(text) > 0 {
			continue
		}
		if err := w.insertSome(ctx, chunks, ids); err != nil {
			return err
		}
		chunks, ids = nil, nil
	}
	w.ensureChunkIndex(ctx)
	return nil
}

// insertSome inserts chunks with their _ids. A chunk that exists already counts as
// stored. Such a chunk gets the time of writing of the document that needs it, or none,
// so that the server does not delete the chunk before the document.
func (w *writing) insertSome(ctx context.Context, chunks []any, ids bson.A) error {
	for range chunkTries {
		known, err := w.insertOnce(ctx, chunks)
		if err != nil || known == 0 {
			return err
		}
		change := bson.D{{Key: "$set", Value: bson.D{{Key: keyWritten, Value: w.now}}}}
		if w.ttl == 0 {
			change = bson.D{{Key: "$unset", Value: bson.D{{Key: keyWritten, Value: ""}}}}
		}
		result, err := try(ctx, w.database, func(ctx context.Context, c *collections) (*gomongo.UpdateResult, error) {
			return c.chunks.UpdateMany(ctx, bson.D{{Key: keyID, Value: bson.D{{Key: "$in", Value: ids}}}}, change)
		})
		if err != nil || int(result.MatchedCount) == len(ids) {
			return err
		}
	}
	return w.chunksGone()
}

// chunkTries is how often chunks are inserted if the server deletes them meanwhile.
const chunkTries = 3

// errChunksGone may pass: the notification is written again with its chunks.
var errChunksGone = errors.New("chunks of the notification were deleted while it was written")

func (w *writing) chunksGone() error {
	return explained.New(errChunksGone, "%s does not have all chunks of the notification: they were deleted while it was written", w.name)
}

// confirmChunks looks whether the chunks of an item are there, after its document
// was written: somebody may have deleted the trace in between.
func (w *writing) confirmChunks(ctx context.Context, it *item) error {
	count := chunkCount(&w.batch[it.index])
	var ids bson.A
	for n := range count {
		ids = append(ids, chunkID(it.id, n))
	}
	found, err := try(ctx, w.database, func(ctx context.Context, c *collections) (int64, error) {
		return primary(c.chunks).CountDocuments(ctx, bson.D{{Key: keyID, Value: bson.D{{Key: "$in", Value: ids}}}})
	})
	switch {
	case isForbidden(err): // a user who may only write
		return nil
	case err != nil:
		return err
	case int(found) < count:
		return w.chunksGone()
	}
	return nil
}

// insertOnce inserts chunks, and returns how many were there already.
func (w *writing) insertOnce(ctx context.Context, chunks []any) (known int, err error) {
	_, err = try(ctx, w.database, func(ctx context.Context, c *collections) (*gomongo.InsertManyResult, error) {
		return c.chunks.InsertMany(ctx, chunks, options.InsertMany().SetOrdered(false))
	})
	var answers gomongo.BulkWriteException
	if !errors.As(err, &answers) {
		return 0, err
	}
	for i := range answers.WriteErrors {
		if e := answers.WriteErrors[i].WriteError; e.Code != codeDuplicate {
			return 0, e
		}
	}
	if answers.WriteConcernError != nil {
		return 0, concernError{answers.WriteConcernError}
	}
	return len(answers.WriteErrors), nil
}

// mostChunks bounds how many chunks of one notification are read. A notification
// of that size, 4 GiB, does not fit into the memory of most services.
const mostChunks = 1 << 12

// joined returns the notification whose text is in chunks.
func (d *database) joined(ctx context.Context, p *parsedDocument) (osprofiler.Notification, error) {
	id, ok := p.id.ObjectIDOK()
	if !ok || p.chunks > mostChunks {
		return p.notification, d.damagedChunks(p, errors.New("the document should say where its chunks are"))
	}
	var text []byte
	for n := range p.chunks {
		data, err := call(ctx, d, func(ctx context.Context, c *collections) (part []byte, err error) {
			raw, err := primary(c.chunks).FindOne(ctx, bson.D{{Key: keyID, Value: chunkID(id, n)}}).Raw()
			if err == nil {
				_, part, ok = raw.Lookup(keyData).BinaryOK()
			}
			return part, err
		})
		switch {
		case errors.Is(err, gomongo.ErrNoDocuments) || err == nil && !ok:
			return p.notification, d.damagedChunks(p, fmt.Errorf("chunk %d of %d is missing in the collection %s", n, p.chunks, chunksCollection))
		case err != nil:
			return p.notification, err
		case len(data) > chunkSize:
			return p.notification, d.damagedChunks(p, fmt.Errorf("chunk %d should have at most %d bytes, not %d", n, chunkSize, len(data)))
		}
		text = append(text, data...)
	}
	n, err := osprofiler.ParseNotification(string(text))
	if err != nil {
		return n, d.damagedChunks(p, fmt.Errorf("its chunks: %w", err))
	}
	return n, nil
}

func (d *database) damagedChunks(p *parsedDocument, err error) error {
	document := bson.Raw(endDocument(append(appendKey(beginDocument(nil), p.id.Type, keyID), p.id.Value...), 0))
	return damaged(document, p.notification.BaseID, err)
}
