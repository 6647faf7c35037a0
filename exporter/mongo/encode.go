package mongo

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A form says how a document holds a notification.
type form int

const (
	// whole: the info as BSON, and the original beside it only if BSON cannot hold
	// the notification exactly.
	whole form = iota
	// bare: the fields, the host and the failure of the info, and the original beside
	// them.
	bare
	// chunked: as bare, but the original lies in chunks.
	chunked
)

// mostField is the size of a field in the forms bare and chunked. It is also the
// size of an id and of a timestamp that is not shortened, because old servers
// refuse a document with more than 1,024 bytes in an index.
const mostField = 512

// encode makes the document of a notification.
func encode(n *osprofiler.Notification, id bson.ObjectID) []byte {
	raw := n.JSON()
	dst := make([]byte, 0, len(raw)+128)
	dst, exact := appendFields(dst, n, id)
	dst, exactInfo := encodeInfo(dst, keyInfo, string(n.Info))
	dst = appendOrNull(dst, keyProject, valid(n.Project))
	dst = appendOrNull(dst, keyService, valid(n.Service))
	if !exact || !exactInfo || !saysAll(n) {
		dst = appendString(dst, keyOriginal, valid(raw))
	}
	return endDocument(dst, 0)
}

// saysAll reports whether the fields represent the whole JSON. A field that was
// set after parsing may have added a member that the parsed text lacked.
func saysAll(n *osprofiler.Notification) bool {
	if n.Plain() {
		return true
	}
	fields := osprofiler.Notification{
		Name: n.Name, BaseID: n.BaseID, TraceID: n.TraceID, ParentID: n.ParentID, Timestamp: n.Timestamp,
		Info: n.Info, Project: n.Project, Service: n.Service,
	}
	return sameButSpelling(fields.JSON(), n.JSON())
}

// appendFields appends the fields in front of the info. exact is true if the fields
// represent the notification exactly.
func appendFields(dst []byte, n *osprofiler.Notification, id bson.ObjectID) (_ []byte, exact bool) {
	dst = append(appendKey(beginDocument(dst), bson.TypeObjectID, keyID), id[:]...)
	base := storedID(driver.Text(n.BaseID))
	stamp := sortableTime(n.Timestamp)
	dst = appendString(dst, keyName, valid(n.Name))
	dst = appendString(dst, keyBaseID, base)
	dst = appendString(dst, keyTraceID, valid(n.TraceID))
	dst = appendOrNull(dst, keyParentID, valid(n.ParentID))
	dst = appendString(dst, keyTimestamp, valid(stamp))
	exact = base == n.BaseID && stamp == n.Timestamp
	for _, field := range []string{n.Name, n.TraceID, n.ParentID, n.Timestamp, n.Project, n.Service} {
		exact = exact && utf8.ValidString(field)
	}
	return dst, exact
}

// sortableTime returns the value of timestamp in a document. It writes a time as
// osprofiler.FormatTime does, so that times are in the order of their texts. It replaces
// any other text that would sort among the times.
func sortableTime(timestamp string) string {
	switch t, err := osprofiler.ParseTime(timestamp); {
	case err == nil:
		return osprofiler.FormatTime(t)
	case timestamp != "" && timestamp[0] <= '9':
		return ""
	case len(timestamp) > mostField:
		return cut(timestamp)
	}
	return timestamp
}

// encodeBare makes the document of a notification without most of its info. With
// chunks, the original is not in the document.
func encodeBare(n *osprofiler.Notification, id bson.ObjectID, chunks int) []byte {
	short := osprofiler.Notification{
		Name: cut(n.Name), BaseID: n.BaseID, TraceID: cut(n.TraceID), ParentID: cut(n.ParentID), Timestamp: cut(n.Timestamp),
	}
	dst, _ := appendFields(nil, &short, id)
	dst = appendKey(dst, bson.TypeEmbeddedDocument, keyInfo)
	start := len(dst)
	dst = beginDocument(dst)
	for _, key := range []string{"etype", "message", "host"} {
		if raw, ok := n.Info.Get(key); ok {
			dst = appendBare(dst, key, raw)
		}
	}
	dst = endDocument(dst, start)
	dst = appendOrNull(dst, keyProject, cut(n.Project))
	dst = appendOrNull(dst, keyService, cut(n.Service))
	if chunks > 0 {
		dst = appendInt(dst, keyChunks, int64(chunks))
	} else {
		dst = appendString(dst, keyOriginal, valid(n.JSON()))
	}
	return endDocument(dst, 0)
}

// appendBare appends a member of the info as a short string, or as null.
func appendBare(dst []byte, key, raw string) []byte {
	switch pyjson.KindOf(raw) {
	case pyjson.Null:
		return appendKey(dst, bson.TypeNull, key)
	case pyjson.String:
		raw = pyjson.Unquote(raw)
	}
	return appendString(dst, key, cut(raw))
}

// cut returns the beginning of a text as valid UTF-8 without U+0000, which some
// servers do not take.
func cut(text string) string {
	if len(text) > mostField {
		text = text[:mostField-4]
		for text != "" && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
		if text != "" && text[len(text)-1] >= utf8.RuneSelf {
			text = text[:len(text)-1]
		}
		text += "…"
	}
	return strings.ReplaceAll(valid(text), "\x00", "\uFFFD")
}

// idOf returns the _id of a notification: the seconds of its time and a hash of
// the whole, so that the same notification has the same _id, and so that ids grow
// with time. An ObjectID has seconds from 1970 in 32 bits.
func idOf(n *osprofiler.Notification) (id bson.ObjectID) {
	if t, err := n.Time(); err == nil {
		seconds := min(max(t.Unix(), 0), math.MaxUint32)
		binary.BigEndian.PutUint32(id[:4], uint32(seconds))
	}
	sum := sha256.Sum256([]byte(n.JSON()))
	copy(id[4:], sum[:8])
	return id
}

// storedID returns the value of base_id in the documents of a trace. id is the
// driver.Text of an id. The value is the id itself, unless a document cannot hold
// the id in some server: lone surrogates, U+0000, or more bytes than an index takes. Then it is the
// beginning of the id and a hash, and the documents have the original.
func storedID(id string) string {
	if len(id) <= mostField && utf8.ValidString(id) && !strings.Contains(id, "\x00") && !isHashed(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return strings.TrimSuffix(cut(id), "…") + "\uFFFD" + string(hexOf(sum[:16]))
}

// isHashed reports whether a value of base_id has the form of a hash. The original then
// has the id.
func isHashed(stored string) bool { return hashedID.MatchString(stored) }

var hashedID = regexp.MustCompile("(?s)^.*\uFFFD[0-9a-f]{32}$")

// withBaseID returns the filter for the documents of a trace. id is the
// driver.Text of an id. Python writes each id that it can write as it is.
func withBaseID(id string) bson.D {
	stored := storedID(id)
	if stored == id || !utf8.ValidString(id) {
		return bson.D{{Key: keyBaseID, Value: stored}}
	}
	return bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$in", Value: bson.A{id, stored}}}}}
}

// appendWritten adds the time of writing to a document.
func appendWritten(document []byte, now time.Time) []byte {
	document = appendKey(document[:len(document)-1], bson.TypeDateTime, keyWritten)
	document = binary.LittleEndian.AppendUint64(document, uint64(now.UnixMilli()))
	return endDocument(document, 0)
}

// writtenSize is the number of bytes that appendWritten adds.
const writtenSize = 1 + len(keyWritten) + 1 + 8
