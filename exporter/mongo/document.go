package mongo

import (
	"context"
	"encoding/hex"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Keys of a document. The keys before keyOriginal are those of Python's driver.
const (
	keyID        = "_id"
	keyName      = "name"
	keyBaseID    = "base_id"
	keyTraceID   = "trace_id"
	keyParentID  = "parent_id"
	keyTimestamp = "timestamp"
	keyInfo      = "info"
	keyProject   = "project"
	keyService   = "service"

	keyOriginal = "osp_original" // the JSON text of the notification, if the document cannot hold it exactly
	keyChunks   = "osp_chunks"   // the number of chunks, if the text is too large for the document
	keyWritten  = "osp_written"  // the time of writing, with WithTTL
)

// notification returns the notification of a document of the events collection. Any
// program may have written the document. notification also reads the chunks of a large
// notification. An error about the document itself is a *store.DamageError.
func (d *database) notification(ctx context.Context, document bson.Raw) (osprofiler.Notification, error) {
	p, err := parseDocument(document)
	if err == nil && p.chunks > 0 {
		return d.joined(ctx, &p)
	}
	if err != nil {
		return p.notification, damaged(document, p.notification.BaseID, err)
	}
	return p.notification, nil
}

// damaged returns an error about a document that cannot be read.
func damaged(document bson.Raw, baseID string, err error) error {
	name := "a document"
	if id, lookup := document.LookupErr(keyID); lookup == nil {
		name = "the document with the _id " + id.String()
	}
	return &store.DamageError{Entry: name + " of the collection " + eventsCollection, BaseID: baseID, Reason: err}
}

func hexOf(data []byte) []byte { return hex.AppendEncode(nil, data) }
