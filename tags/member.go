package tags

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// field is one of the members that upstream writes into a known object.
type field struct {
	key    string
	raw    string // as it was found; empty where it was not
	text   string // of a string: what it says, made valid UTF-8
	isText bool
	exact  bool // isText, and text is just what it says
}

// scan finds the fields in a raw object. It tells whether the object has no
// other members and none twice.
func scan(object string, fields []field) (clean bool) {
	clean = true
next:
	for key, raw := range pyjson.Members(object) {
		for i := range fields {
			if f := &fields[i]; f.key == key {
				clean = clean && f.raw == ""
				f.set(raw)
				continue next
			}
		}
		clean = false
	}
	return clean
}

func (f *field) set(raw string) {
	f.raw, f.text, f.isText, f.exact = raw, "", false, false
	if text, ok := pyjson.Text(raw); ok {
		f.isText, f.exact = true, utf8.ValidString(text)
		f.text = text
		if !f.exact {
			f.text = strings.ToValidUTF8(text, "\uFFFD")
		}
	}
}

// missing tells that the object does not have the field.
func (f *field) missing() bool { return f.raw == "" }

// exactly tells whether all these fields are strings that attributes can say.
func exactly(fields []field) bool {
	for i := range fields {
		if !fields[i].exact {
			return false
		}
	}
	return true
}

// appendText appends the attribute if the field is a string.
func appendText(dst []attribute.KeyValue, key attribute.Key, f *field) []attribute.KeyValue {
	if f.isText {
		return append(dst, key.String(f.text))
	}
	return dst
}

// integer reads a raw number that an attribute can hold as an integer.
func integer(raw string) (int64, bool) {
	if pyjson.KindOf(raw) != pyjson.Number {
		return 0, false
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	return n, err == nil
}

// text is what string attributes said: of equally ranked ones the last counts,
// of others the highest rank. ok tells that there was one.
type text struct {
	s    string
	ok   bool
	rank rank
}

// rank puts names of newer conventions before older ones that mean the same.
type rank uint8

const (
	oldest rank = iota
	older
	newest
)

func (t *text) set(v *attribute.Value) { t.setAs(newest, v) }

func (t *text) setAs(r rank, v *attribute.Value) {
	if v.Type() == attribute.STRING && r >= t.rank {
		t.s, t.ok, t.rank = v.AsString(), true, r
	}
}

// or returns t if it was set, else u.
func (t text) or(u text) text {
	if t.ok {
		return t
	}
	return u
}

// number is what integer attributes said; digits in a string count as well,
// since older instrumentation wrote such.
type number struct {
	n    int64
	ok   bool
	rank rank
}

func (n *number) set(v *attribute.Value) { n.setAs(newest, v) }

func (n *number) setAs(r rank, v *attribute.Value) {
	if r < n.rank {
		return
	}
	switch v.Type() {
	case attribute.INT64:
		n.n, n.ok, n.rank = v.AsInt64(), true, r
	case attribute.STRING:
		if i, err := strconv.ParseInt(v.AsString(), 10, 64); err == nil {
			n.n, n.ok, n.rank = i, true, r
		}
	}
}

// appendKey and appendKeyText write `"key": ` and `"key": "text"` of keys that
// need no escapes, with a comma before all but the first in an object.
func appendKey(dst []byte, key string) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		dst = append(dst, ", "...)
	}
	dst = append(dst, '"')
	dst = append(dst, key...)
	return append(dst, `": `...)
}

func appendKeyText(dst []byte, key, value string) []byte {
	return pyjson.AppendString(appendKey(dst, key), value)
}
