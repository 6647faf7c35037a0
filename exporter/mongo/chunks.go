package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler"
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

// chunkSize is how much of a text one chunk holds at most.
const chunkSize = 4 << 20

// chunkID returns the _id of a chunk. The order of its keys counts.
func chunkID(document bson.ObjectID, n int) bson.D {
	return bson.D{{Key: keyDocument, Value: document}, {Key: keyNumber, Value: int32(n)}}
}

// chunksOf cuts the JSON text of a notification.
func chunksOf(n *osprofiler.Notification, baseID string, id bson.ObjectID, size int) (chunks []any) {
	text := []byte(n.JSON())
	for len(text) > 0 {
		part := text[:min(size, len(text))]
		text = text[len(part):]
		chunks = append(chunks, bson.D{
			{Key: keyID, Value: chunkID(id, len(chunks))},
			{Key: keyBaseID, Value: baseID},
			{Key: keyData, Value: bson.Binary{Data: part}},
		})
	}
	return chunks
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
