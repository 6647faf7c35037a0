package elasticsearch

import (
	"encoding/json"
	"slices"
)

// The members of a document that have a meaning for this package.
const (
	nameKey      = "name"
	baseIDKey    = "base_id"
	traceIDKey   = "trace_id"
	parentIDKey  = "parent_id"
	timestampKey = "timestamp"
	infoKey      = "info"
	projectKey   = "project"
	serviceKey   = "service"
	hostKey      = "host"
	etypeKey     = "etype"

	// originalKey is the member that holds the JSON of a notification that is
	// stored in the short form.
	originalKey = "osp_original"
	// spareKey holds the JSON instead in an index that accepts no new field. The field
	// exists in each index to which the Python library wrote. Python reads the host
	// in the object info, and never this member.
	spareKey = "info.host"
)

const exactText = `{"type":"keyword","ignore_above":8191}`

// eventsMapping is the mapping of an index of notifications that we create. It
// indexes the members of a notification as exact texts. The members of info are
// not indexed, except etype, so that they neither conflict nor count as fields.
const eventsMapping = `{"dynamic":false,"properties":{` +
	`"name":` + exactText + `,"base_id":` + exactText + `,"trace_id":` + exactText + `,"parent_id":` + exactText + `,` +
	`"timestamp":` + exactText + `,` +
	`"info":{"type":"object","dynamic":false,"properties":{"etype":` + exactText + `}},` +
	`"project":` + exactText + `,"service":` + exactText + `,` +
	`"` + originalKey + `":` + originalField + `}}`

// errorsMapping is the mapping of an index of failed traces that we create.
const errorsMapping = `{"dynamic":false,"properties":{"base_id":` + exactText + `,"timestamp":` + exactText + `}}`

// originalField indexes the words of a text, so that the query exists finds the
// documents in the short form. Not every server can do that with less.
const originalField = `{"type":"text","norms":false,"index_options":"docs"}`

// A layout says how an index holds the members of a notification.
type layout struct {
	// missing says that there is no such index.
	missing bool
	// baseID, traceID and etype are the names of fields that hold the text of the
	// member exactly, so that term queries and aggregations can use them. A name
	// is empty if there is no such field. Only etype may also name a field that serves
	// the query "exists" but no other query.
	baseID, traceID, etype string
	// timestamp is the type of the field timestamp, "keyword" or "date", and empty
	// for any other type.
	timestamp string
	// hasOriginal says that the index has a field for the original of a
	// notification in the short form.
	hasOriginal bool
}

// A field is a part of a mapping. The mapping of an index is the field of the whole
// document.
type field struct {
	Type       string           `json:"type"`
	Dynamic    json.RawMessage  `json:"dynamic"` // true, "true", false, "strict" or "runtime"
	Enabled    json.RawMessage  `json:"enabled"`
	Index      json.RawMessage  `json:"index"`
	Properties map[string]field `json:"properties"`
	Fields     map[string]field `json:"fields"`
}

// parseLayout reads the answer to GET /index/_mapping. The name of an index may be
// an alias of several indices, whose mappings may differ.
func parseLayout(body []byte) (layout, error) {
	var indices map[string]struct {
		Mappings field `json:"mappings"`
	}
	if err := json.Unmarshal(body, &indices); err != nil {
		return layout{}, err
	}
	l, first := layout{missing: true}, true
	for _, index := range indices {
		one := layoutOf(&index.Mappings)
		if first {
			l, first = one, false
			continue
		}
		l.add(one)
	}
	return l, nil
}

// add keeps only the properties that the other layout has, too.
func (l *layout) add(other layout) {
	keep := func(name *string, other string) {
		if *name != other {
			*name = ""
		}
	}
	keep(&l.baseID, other.baseID)
	keep(&l.traceID, other.traceID)
	keep(&l.etype, other.etype)
	keep(&l.timestamp, other.timestamp)
	l.hasOriginal = l.hasOriginal && other.hasOriginal
}

// layoutOf reads the mapping of one index.
func layoutOf(root *field) layout {
	l := layout{baseID: root.exact(baseIDKey), traceID: root.exact(traceIDKey), etype: root.existing()}
	if kind := root.Properties[timestampKey]; kind.isIndexed() && (kind.Type == "keyword" || kind.Type == "date") {
		l.timestamp = kind.Type
	}
	_, l.hasOriginal = root.Properties[originalKey]
	return l
}

// exact returns the name of the field that holds the text of a member exactly:
// the field itself, or the one that dynamic mapping adds to a text.
func (f *field) exact(name string) string {
	member := f.Properties[name]
	if member.isExact() {
		return name
	}
	for sub, field := range member.Fields {
		if field.isExact() {
			return name + "." + sub
		}
	}
	return ""
}

// isExact reports whether a field is found by the whole text of its value.
func (f *field) isExact() bool { return f.Type == "keyword" && f.isIndexed() }

func (f *field) isIndexed() bool { return string(f.Index) != "false" && string(f.Index) != `"false"` }

// existing returns the name of a field that exists in the documents of
// notifications that failed, and in no others.
func (f *field) existing() string {
	info, ok := f.Properties[infoKey]
	dynamic := f.isDynamic()
	if ok {
		dynamic = isOn(info.Dynamic, dynamic)
		if !isOn(info.Enabled, true) {
			return ""
		}
	}
	etype, ok := info.Properties[etypeKey]
	if ok && (etype.Type == "keyword" || etype.Type == "text") && etype.isIndexed() || !ok && dynamic {
		return infoKey + "." + etypeKey
	}
	return ""
}

// isDynamic reports whether the index gets fields for members that it has not seen
// before.
func (f *field) isDynamic() bool { return isOn(f.Dynamic, true) }

// isOn reads a flag of a mapping.
func isOn(raw json.RawMessage, otherwise bool) bool {
	if len(raw) == 0 {
		return otherwise
	}
	return slices.Contains([]string{`true`, `"true"`}, string(raw))
}
