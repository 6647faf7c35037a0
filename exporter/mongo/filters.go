package mongo

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// An id that is not a string, or that has another value in the documents, is a
// foreign id here. We write each base id as a string, and so does the Python
// library. Other programs may write a number, a UUID or nothing.

// otherTypes are the names of the types of values that are neither strings nor
// missing. FerretDB does not know the names of some types that nobody uses.
var otherTypes = bson.A{"number", "object", "array", "binData", "objectId", "bool", "date", "timestamp", "regex"}

// hasForeign returns the filter for documents in which a field is not a string.
func hasForeign(key string) bson.D { return bson.D{{Key: "$or", Value: foreignFilters(key)}} }

func foreignFilters(key string) bson.A {
	return bson.A{
		bson.D{{Key: key, Value: nil}}, // null or missing
		bson.D{{Key: key, Value: bson.D{{Key: "$type", Value: otherTypes}}}},
	}
}

// ofTrace returns the filter for the documents of a trace, whichever program wrote them.
// baseID is the driver.Text of an id. The filter may also find documents of other
// traces: documents whose base id is a list with the id, and, for an id that is not a
// UUID, documents whose base id is not a string.
func ofTrace(baseID string) bson.D { return ofTraces([]string{baseID}) }

// ofTraces returns the filter for the documents of traces, as ofTrace does for one.
func ofTraces(baseIDs []string) bson.D {
	values, foreign := bson.A{}, false
	for _, id := range baseIDs {
		values = append(values, storedIDs(id)...)
		if uuid, ok := uuidOf(id); ok {
			values = append(values, bson.Binary{Subtype: subtypeOldUUID, Data: uuid}, bson.Binary{Subtype: subtypeUUID, Data: uuid})
		} else {
			foreign = true
		}
	}
	if !foreign {
		return oneOf(values)
	}
	return bson.D{{Key: "$or", Value: append(bson.A{oneOf(values)}, foreignFilters(keyBaseID)...)}}
}

// storedIDs returns the strings that the documents of a trace may have as their
// base id: the value that we write, and the id itself if another program can have
// written it.
func storedIDs(baseID string) bson.A {
	stored := storedID(baseID)
	if stored == baseID || !utf8.ValidString(baseID) {
		return bson.A{stored}
	}
	return bson.A{stored, baseID}
}

// oneOf returns the filter for documents whose base id is one of some values.
func oneOf(baseIDs bson.A) bson.D {
	if len(baseIDs) == 1 {
		return bson.D{{Key: keyBaseID, Value: baseIDs[0]}}
	}
	return bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$in", Value: baseIDs}}}}
}

// isOrdinary reports whether all documents of a trace have its id as their base
// id.
func isOrdinary(stored string) bool { return storedID(stored) == stored }

// uuidOf returns the bytes of a UUID in its usual form.
func uuidOf(id string) (uuid []byte, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' || strings.ToLower(id) != id {
		return nil, false
	}
	uuid, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	return uuid, err == nil && len(uuid) == 16
}
