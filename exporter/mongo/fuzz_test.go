package mongo

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
)

// Decoding neither panics nor makes a notification that cannot be written again, whatever
// the document contains. A document that the client library accepts is read.
func FuzzDecodeDocument(f *testing.F) {
	n := osprofiler.Notification{Name: "a-start", BaseID: "b", Info: `{"a.b": [1, 2.5, null, "x"], "host": "h"}`}
	f.Add(encode(&n, idOf(&n)))
	f.Add(encodeBare(&n, idOf(&n), 3))
	for _, value := range []any{
		bson.NewDateTimeFromTime(bson.NewObjectID().Timestamp()), bson.Binary{Subtype: 3, Data: make([]byte, 16)}, bson.Regex{Pattern: "a", Options: "i"},
		bson.MinKey{}, bson.Timestamp{T: 1, I: 2}, bson.CodeWithScope{Code: "x", Scope: bson.D{}}, bson.DBPointer{DB: "a.b"}, bson.Undefined{}, bson.NewDecimal128(1, 2),
	} {
		document, err := bson.Marshal(bson.D{{Key: "_id", Value: 1}, {Key: "info", Value: bson.D{{Key: "v", Value: value}}}, {Key: "timestamp", Value: value}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		n, err := decodeDocument(document)
		if err != nil {
			return
		}
		if err := n.Validate(); err != nil {
			return // an info that is not an object is stored as it is
		}
		checkRoundTrip(t, n)
	})
}

// Any info becomes a valid document, and is read back.
func FuzzEncodeInfo(f *testing.F) {
	for _, info := range []string{`{}`, `{"a": 1, "a": [2.5, -0, 1e400, {"$x.y": "\ud800"}]}`, `{"a":{"b":[[[]]]} , "": null}`} {
		f.Add(info)
	}
	f.Fuzz(func(t *testing.T, text string) {
		info, err := osprofiler.ParseInfo(text)
		if err != nil {
			return // the Store refuses it
		}
		checkRoundTrip(t, osprofiler.Notification{Name: "a-start", BaseID: "b", Info: info})
	})
}
