package tags

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// Redaction says which values are replaced by "***" before anything leaves the
// process. The zero value replaces none. What has no value (null, an absent
// member) stays so, and so does the shape around the values.
//
// SQL texts are never changed: with parameters of their own they hold no
// values, and without they cannot be told apart from them.
type Redaction struct {
	// DBParams replaces each parameter of a database call, of one execution or
	// of many; the rows that it returned; and the list of parameters that
	// SQLAlchemy quotes in the texts of its errors.
	DBParams bool
	// FunctionArgs replaces the args and kwargs of a function.
	FunctionArgs bool
	// FunctionResult replaces the result of a function or a database call.
	FunctionResult bool
}

const (
	redacted    = "***"
	redactedRaw = `"***"`
)

// Info returns the info with the values replaced; info itself if there are none.
func (r Redaction) Info(info osprofiler.Info) osprofiler.Info {
	if r == (Redaction{}) {
		return info
	}
	out := info
	for key, raw := range info.Members() {
		if clean := r.member(key, raw); clean != raw {
			out = out.With(key, clean)
		}
	}
	return out
}

func (r Redaction) member(key, raw string) string {
	switch key {
	case memberDB:
		return r.object(raw, r.dbField)
	case memberFunction:
		return r.object(raw, r.functionField)
	case memberMessage:
		return r.errorText(raw)
	}
	return raw
}

func (r Redaction) dbField(key, raw string) string {
	switch key {
	case "params":
		if r.DBParams {
			return redactParams(raw)
		}
	case "result":
		if r.DBParams || r.FunctionResult {
			return redactValue(raw)
		}
	case "original_exception", "chained_exception":
		return r.errorText(raw)
	}
	return raw
}

func (r Redaction) functionField(key, raw string) string {
	if r.FunctionArgs && (key == "args" || key == "kwargs") || r.FunctionResult && key == "result" {
		return redactValue(raw)
	}
	return raw
}

// object rewrites the fields of an object; it returns raw itself if nothing
// changes.
func (r Redaction) object(raw string, field func(key, raw string) string) string {
	changed := false
	for key, value := range pyjson.Members(raw) {
		changed = changed || field(key, value) != value
	}
	if !changed {
		return raw
	}
	dst := append(make([]byte, 0, len(raw)), '{')
	for key, value := range pyjson.Members(raw) {
		dst = appendMember(dst, key, field(key, value))
	}
	return string(append(dst, '}'))
}

func redactValue(raw string) string {
	if raw == "null" {
		return raw
	}
	return redactedRaw
}

// redactParams replaces the values of an object, the elements of an array, and
// of an array of these the same one level down: the rows of executemany.
func redactParams(raw string) string {
	if kind := pyjson.KindOf(raw); kind != pyjson.Object && kind != pyjson.Array {
		return redactValue(raw)
	}
	return string(appendRedacted(make([]byte, 0, len(raw)), raw, true))
}

func appendRedacted(dst []byte, raw string, rows bool) []byte {
	if pyjson.KindOf(raw) == pyjson.Object {
		dst = append(dst, '{')
		for key := range pyjson.Members(raw) {
			dst = appendMember(dst, key, redactedRaw)
		}
		return append(dst, '}')
	}
	dst = append(dst, '[')
	for element := range pyjson.Elements(raw) {
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ", "...)
		}
		if kind := pyjson.KindOf(element); rows && (kind == pyjson.Object || kind == pyjson.Array) {
			dst = appendRedacted(dst, element, false)
		} else {
			dst = append(dst, redactedRaw...)
		}
	}
	return append(dst, ']')
}

// errorText is Text for a raw value; what is no string is left alone.
func (r Redaction) errorText(raw string) string {
	said, ok := pyjson.Text(raw)
	if !ok {
		return raw
	}
	clean := r.Text(said)
	if clean == said {
		return raw
	}
	return string(pyjson.AppendString(nil, clean))
}

// Text returns an error's text, such as a status's description, with the
// parameters replaced that SQLAlchemy quotes in it: all from "[parameters: " to
// the last bracket that ends a line, or to the end of the text where none does.
func (r Redaction) Text(s string) string {
	const opening = "[parameters: "
	start := strings.Index(s, opening)
	if !r.DBParams || start < 0 {
		return s
	}
	start += len(opening)
	end := start + strings.LastIndex(s[start:], "]\n")
	if strings.HasSuffix(s[start:], "]") {
		end = len(s) - 1
	}
	if end < start {
		end = len(s)
	}
	return s[:start] + redacted + s[end:]
}

// Attributes returns the attributes, of a span or of an event, with the values
// replaced: attrs itself, not copied, if there are none. attrs is not changed.
func (r Redaction) Attributes(attrs []attribute.KeyValue) []attribute.KeyValue {
	if r == (Redaction{}) {
		return attrs
	}
	out := attrs
	for i := range attrs {
		clean, changed := r.value(attrs, attrs[i].Key, attrs[i].Value)
		if !changed {
			continue
		}
		if &out[0] == &attrs[0] {
			out = append([]attribute.KeyValue(nil), attrs...)
		}
		out[i].Value = clean
	}
	return out
}

func (r Redaction) value(all []attribute.KeyValue, key attribute.Key, v attribute.Value) (_ attribute.Value, changed bool) {
	switch key {
	case ownDBParams, oldDBParams:
		if r.DBParams {
			return paramsText(v), true
		}
		return v, false
	case ownDBOriginalException, ownDBChainedException, keyExceptionMessage, keyExceptionStacktrace, pythonMessage:
		if v.Type() == attribute.STRING {
			clean := r.Text(v.AsString())
			return attribute.StringValue(clean), clean != v.AsString()
		}
		return v, false
	}
	if r.hides(all, key) {
		return sameShape(v), true
	}
	return v, false
}

// hides tells whether the attribute's whole value is to be replaced.
func (r Redaction) hides(all []attribute.KeyValue, key attribute.Key) bool {
	switch key {
	case "db.statement.parameters", "db.postgresql.values", "db.mysql.values", "pgx.query.parameters":
		// what Python's, JavaScript's and a Go tracer's instrumentation call them
		return r.DBParams
	case ownDBResult:
		return r.DBParams || r.FunctionResult
	case pythonResult:
		return r.FunctionResult || r.DBParams && ofDB(all)
	case ownArgs, ownKwargs, pythonArgs, pythonKwargs:
		return r.FunctionArgs
	case ownResult:
		return r.FunctionResult
	}
	_, isParameter := parameterName(key)
	return r.DBParams && isParameter
}

// ofDB tells whether these are the attributes of a database call.
func ofDB(attrs []attribute.KeyValue) bool {
	for i := range attrs {
		if markOf(attrs[i].Key) == marksDB {
			return true
		}
	}
	return false
}

// paramsText redacts a JSON text; one that is no JSON is replaced whole.
func paramsText(v attribute.Value) attribute.Value {
	if v.Type() == attribute.STRING {
		if raw, err := pyjson.One(v.AsString()); err == nil {
			return attribute.StringValue(redactParams(raw))
		}
	}
	return sameShape(v)
}

// sameShape gives one *** for a value, and one for each element of a slice.
func sameShape(v attribute.Value) attribute.Value {
	if v.Type() == attribute.STRINGSLICE {
		s := v.AsStringSlice()
		for i := range s {
			s[i] = redacted
		}
		return attribute.StringSliceValue(s)
	}
	return attribute.StringValue(redacted)
}
