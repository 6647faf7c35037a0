package tags

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A field is one of the members that the Python library writes into the object
// that describes a call.
type field struct {
	key    string
	raw    string // its JSON text; empty if the object does not have the field
	text   string // the value of a string, made valid UTF-8
	isText bool   // the field is a string
	exact  bool   // the field is a string with valid UTF-8
}

// scan reads the fields from a raw object. clean reports whether the object has no
// other members and no field twice.
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
		f.setText(text)
	}
}

// setText sets the text of a field that is a string. An attribute cannot hold a text that is
// not valid UTF-8, such as one with a lone surrogate.
func (f *field) setText(text string) {
	f.isText, f.exact, f.text = true, utf8.ValidString(text), text
	if !f.exact {
		f.text = strings.ToValidUTF8(text, "\uFFFD")
	}
}

// missing reports whether the object lacks the field.
func (f *field) missing() bool { return f.raw == "" }

// exactly reports whether all these fields are strings that attributes can hold.
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

// A text is the value of one of several string attributes with the same meaning. The attribute
// of the highest rank is used, and among equal ranks the last one. ok reports whether there
// was one.
type text struct {
	s    string
	ok   bool
	rank rank
}

// A rank orders keys with the same meaning. Keys of newer conventions take precedence over
// older ones.
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

// or returns t if t was set, and u otherwise.
func (t text) or(u text) text {
	if t.ok {
		return t
	}
	return u
}

// A number is the value of one of several integer attributes with the same meaning. A string
// of digits also counts, because older instrumentation wrote such strings.
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

// appendKey writes `"key": ` for a key that needs no escapes, after a comma unless
// it is the first in the object.
func appendKey(dst []byte, key string) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		dst = append(dst, ", "...)
	}
	dst = append(dst, '"')
	dst = append(dst, key...)
	return append(dst, `": `...)
}

// appendKeyText writes `"key": "value"`.
func appendKeyText(dst []byte, key, value string) []byte {
	return pyjson.AppendString(appendKey(dst, key), value)
}
