package reader

import (
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// Fields returns a JSON object with the named fields of a notification, as
// list_traces(fields) of the Python library returns them. For a listing, the notification is
// the field First of [store.Summary].
//
// A name is the key of a member, or a path of keys with dots: for "info.request.path" the
// result is {"info": {"request": {"path": …}}}. Fields that the notification does not have
// are left out. The members are in the order of the notification. As in MongoDB, a path also
// leads into the objects of an array, and the result has the objects on a path even if the
// last key of the path is missing. A nil notification has no fields.
func Fields(n *osprofiler.Notification, names ...string) string {
	if n == nil {
		return "{}"
	}
	return string(appendFields(nil, n.JSON(), names))
}

// appendFields appends an object with the named fields of an object.
func appendFields(dst []byte, object string, names []string) []byte {
	dst = append(dst, '{')
	isFirst := true
	for _, m := range membersOf(object) {
		isWhole := slices.Contains(names, m.key)
		rest := pathsBelow(m.key, names)
		kind := pyjson.KindOf(m.raw)
		if !isWhole && (rest == nil || kind != pyjson.Object && kind != pyjson.Array) {
			continue
		}
		if !isFirst {
			dst = append(dst, ", "...)
		}
		isFirst = false
		dst = append(pyjson.AppendString(dst, m.key), ": "...)
		switch {
		case isWhole:
			dst = append(dst, m.raw...)
		case kind == pyjson.Object:
			dst = appendFields(dst, m.raw, rest)
		default:
			dst = appendFieldsOfElements(dst, m.raw, rest)
		}
	}
	return append(dst, '}')
}

// appendFieldsOfElements appends an array with the named fields of the objects in
// an array.
func appendFieldsOfElements(dst []byte, array string, names []string) []byte {
	dst = append(dst, '[')
	isFirst := true
	for element := range pyjson.Elements(array) {
		if pyjson.KindOf(element) != pyjson.Object {
			continue
		}
		if !isFirst {
			dst = append(dst, ", "...)
		}
		isFirst = false
		dst = appendFields(dst, element, names)
	}
	return append(dst, ']')
}

// membersOf returns the members of an object in order. If a key is repeated, the
// last one counts.
func membersOf(object string) (members []member) {
	index := map[string]int{}
	for key, raw := range pyjson.Members(object) {
		if i, repeated := index[key]; repeated {
			members[i].raw = raw
			continue
		}
		index[key] = len(members)
		members = append(members, member{key, raw})
	}
	return members
}

// pathsBelow returns the remainders of the names that begin with the key and a dot.
func pathsBelow(key string, names []string) (rests []string) {
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, key+"."); ok {
			rests = append(rests, rest)
		}
	}
	return rests
}
