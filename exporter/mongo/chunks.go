package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A notification that is too large for one document has its JSON text in chunks,
// in a collection of ours:
//
//	{"_id": {"doc": ObjectId of the document, "n": 0}, "base_id": "…", "data": BinData}
//
// The chunks are written before the document, so that whoever sees the document
// finds them.
const (
	keyDocument = "doc"
	keyNumber   = "n"
	keyData     = "data"
)

// chunkSize is how much of a text one chunk holds at most. It is always the same,
// because a chunk with an _id that is there already is taken for the same chunk.
// Cosmos DB takes documents of 2 MiB.
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
		chunks = append(chunks, chunk)
		if len(chunks) < chunksPerInsert && len(text) > 0 {
			continue
		}
		if err := w.insertSome(ctx, chunks); err != nil {
			return err
		}
		chunks = nil
	}
	w.ensureChunkIndex(ctx)
	return nil
}

// insertSome inserts chunks. It takes a chunk that is there already for stored.
func (w *writing) insertSome(ctx context.Context, chunks []any) error {
	_, err := try(ctx, w.database, func(ctx context.Context, c *collections) (*gomongo.InsertManyResult, error) {
		return c.chunks.InsertMany(ctx, chunks, options.InsertMany().SetOrdered(false))
	})
	var answers gomongo.BulkWriteException
	if !errors.As(err, &answers) {
		return err
	}
	for i := range answers.WriteErrors {
		if e := answers.WriteErrors[i].WriteError; e.Code != codeDuplicate {
			return e
		}
	}
	if answers.WriteConcernError != nil {
		return concernError{answers.WriteConcernError}
	}
	return nil
}

// mostChunks bounds how many chunks of one notification are read. A notification
// of that size does not fit into the memory of most services.
const mostChunks = 1 << 16

// joined returns the notification whose text is in chunks.
func (d *database) joined(ctx context.Context, p *parsedDocument) (osprofiler.Notification, error) {
	id, ok := p.id.ObjectIDOK()
	if !ok || p.chunks > mostChunks {
		return p.notification, d.damagedChunks(p, errors.New("the document should say where its chunks are"))
	}
	var text []byte
	for n := range p.chunks {
		data, err := call(ctx, d, func(ctx context.Context, c *collections) (part []byte, err error) {
			raw, err := c.chunks.FindOne(ctx, bson.D{{Key: keyID, Value: chunkID(id, n)}}).Raw()
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
