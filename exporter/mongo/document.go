package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
)

// Keys of a document. Those before keyOriginal are Python's.
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
)

// notification returns the notification of a document of the events collection,
// whoever wrote it. It gets the chunks of a large one. An error about the
// document itself is a *store.DamageError.
func (d *database) notification(ctx context.Context, document bson.Raw) (osprofiler.Notification, error) {
	return decodeDocument(document)
}

// decodeDocument returns the notification of a document without chunks.
func decodeDocument(document bson.Raw) (osprofiler.Notification, error) {
	return osprofiler.Notification{}, errors.New("not yet")
}

// idOf returns the _id of a notification: the seconds of its time and a hash of
// the whole, so that the same notification has the same _id.
func idOf(n *osprofiler.Notification) bson.ObjectID { return bson.ObjectID{} }

// storedID returns the value of base_id in the documents of a trace. id is the
// driver.Text of an id. The value is the id itself, unless the id has lone
// surrogates, which a document cannot hold.
func storedID(id string) string { return id }

// plainID is the inverse of storedID.
func plainID(stored string) string { return stored }
