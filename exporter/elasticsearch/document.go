package elasticsearch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A document is the JSON of a notification, as Python's driver stores it. A
// notification that an index would refuse, or would not find, is stored in the short
// form. The short form is a document of the same shape with shorter texts and little
// info. It also has the JSON of the notification as one text.

// decodeDocument returns the notification that the _source of a document stands for.
// Any program may have written the document. decodeDocument restores a notification
// that was stored in the short form.
func decodeDocument(source []byte) (osprofiler.Notification, error) {
	if bytes.Contains(source, []byte(originalKey)) || bytes.Contains(source, []byte(spareKey)) {
		raw, err := pyjson.One(string(source))
		if err != nil {
			return osprofiler.Notification{}, fmt.Errorf("the document: %w", err)
		}
		for _, key := range []string{originalKey, spareKey} {
			original, ok := textMember(raw, key)
			if !ok {
				continue
			}
			n, err := osprofiler.ParseNotification(original)
			if err != nil {
				return n, fmt.Errorf("the text in the member %s of the document: %w", key, err)
			}
			return n, nil
		}
	}
	return osprofiler.ParseNotification(string(source))
}

// textMember returns the text of a member that is a string.
func textMember(object, key string) (text string, ok bool) {
	raw, _ := pyjson.Get(object, key)
	return pyjson.Text(raw)
}

// documentID returns the id of the document of a notification. It depends on the
// JSON of the notification alone, so that the same notification is stored once.
func documentID(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// needsShortForm reports whether a notification, whose JSON is text, needs the short
// form. It does if the index would not find the notification by its id, time or
// failure, if the index would return something else, or if the server would not
// survive the document.
func needsShortForm(n *osprofiler.Notification, text []byte) bool {
	return !isUsual(n.Timestamp) || !isFindable(n.BaseID) || !isFindable(n.TraceID) ||
		!n.Plain() && !hasTexts(n) || !isFindableFailure(n.Info) || !isStrict(text) || isDeep(text)
}

// mostLevels is the largest depth of a document that is stored as it is. A server
// reads objects and arrays by recursion. Two thousand levels overflow the stack of
// Elasticsearch 7: the request gets no answer, and the server process exits.
const mostLevels = 100

// isDeep reports whether a JSON text has more than mostLevels levels of objects and
// arrays.
func isDeep(text []byte) bool {
	if bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) <= mostLevels {
		return false
	}
	level, quoted := 0, false
	for i := 0; i < len(text) && level <= mostLevels; i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			level++
		case c == '}' || c == ']':
			level--
		}
	}
	return level > mostLevels
}

// hasTexts reports whether the ids and the time are texts, and whether no member has
// the name of a member of the short form or looks like the path of a field.
func hasTexts(n *osprofiler.Notification) bool {
	for key, raw := range pyjson.Members(n.JSON()) {
		kind := pyjson.KindOf(raw)
		switch key {
		case baseIDKey, traceIDKey, timestampKey:
			if kind != pyjson.String {
				return false
			}
		case originalKey:
			return false
		default:
			if strings.Contains(key, ".") {
				return false
			}
		}
	}
	for _, key := range []string{baseIDKey, traceIDKey, timestampKey} {
		if _, ok := n.Member(key); !ok {
			return false
		}
	}
	return true
}

// isFindableFailure reports whether an info that says that the event failed has a
// text for an etype that an index finds.
func isFindableFailure(info osprofiler.Info) bool {
	if !strings.Contains(string(info), etypeKey) && !strings.Contains(string(info), `\u`) {
		return true
	}
	raw, ok := info.Get(etypeKey)
	if !ok || pyjson.KindOf(raw) == pyjson.Null {
		return true
	}
	text, ok := pyjson.Text(raw)
	return ok && isFindable(text)
}

// isStrict reports whether a text is JSON by the standard. Python's NaN and
// Infinity are not standard JSON.
func isStrict(text []byte) bool {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return true
	}
	return json.Valid(text)
}

// A shape says what a document in the short form has besides the original. An
// index that Python's documents made by dynamic mapping may refuse any of these
// members, because the first document with the member had a value of another kind.
type shape struct {
	members     []string
	etype, host bool
	key         string // the member with the original
}

var (
	allMembers = []string{nameKey, baseIDKey, traceIDKey, parentIDKey, timestampKey, infoKey, projectKey, serviceKey}
	idMembers  = []string{baseIDKey, traceIDKey, parentIDKey, timestampKey}
)

// shapes are the shapes in the order in which they are tried. Number 0 stands for
// the document as it is.
var shapes = []shape{
	{},
	{members: allMembers, etype: true, host: true, key: originalKey},
	{members: allMembers, host: true, key: originalKey},
	{members: allMembers, etype: true, host: true, key: spareKey},
	{members: allMembers, host: true, key: spareKey},
	{members: allMembers, key: originalKey},
	{members: idMembers, key: originalKey},
	{members: idMembers, key: spareKey},
	{members: []string{baseIDKey}, key: originalKey},
	{key: originalKey},
	{key: spareKey},
}

// appendShort appends the document of a notification, with its JSON, in the short form.
func (s *shape) appendShort(dst []byte, n *osprofiler.Notification, text string) []byte {
	dst = append(dst, '{')
	for _, key := range s.members {
		if raw, ok := s.member(n, key); ok {
			dst = append(append(append(dst, '"'), key...), `": `...)
			dst = append(append(dst, raw...), ", "...)
		}
	}
	dst = append(append(append(dst, '"'), s.key...), `": `...)
	return append(pyjson.AppendString(dst, text), '}')
}

// member returns the raw value of a member of the short form.
func (s *shape) member(n *osprofiler.Notification, key string) (raw string, ok bool) {
	switch key {
	case nameKey:
		return quoted(shortName(n.Name)), true
	case baseIDKey:
		return quoted(idTerm(n.BaseID)), true
	case traceIDKey:
		return quoted(idTerm(n.TraceID)), n.TraceID != ""
	case parentIDKey:
		return quoted(idTerm(n.ParentID)), n.ParentID != ""
	case timestampKey:
		at, ok := usualTime(n.Timestamp)
		return quoted(at), ok
	case infoKey:
		return s.info(n.Info), true
	case projectKey:
		return orNull(n.Project), true
	default:
		return orNull(n.Service), true
	}
}

// info returns the short form of an info. An etype that is not a text becomes a text, so
// that the failure is found.
func (s *shape) info(info osprofiler.Info) string {
	var members []string
	if raw, ok := info.Get(etypeKey); s.etype && ok && pyjson.KindOf(raw) != pyjson.Null {
		text, isText := pyjson.Text(raw)
		if !isText {
			text = raw
		}
		members = append(members, `"etype": `+quoted(idTerm(text)))
	}
	if s.host {
		members = append(members, `"host": `+quoted(cutTo(info.Host(), widest)))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// quoted returns a JSON string.
func quoted(text string) string { return string(pyjson.AppendString(nil, text)) }

// orNull returns a JSON string, or null for no text.
func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return quoted(cutTo(clean(text), widest))
}
