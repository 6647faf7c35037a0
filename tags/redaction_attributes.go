package tags

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// Attributes returns the attributes of a span or of an event with the values replaced. It
// returns attrs itself if there are no such values. It does not change attrs.
func (r Redaction) Attributes(attrs []attribute.KeyValue) []attribute.KeyValue {
	if r == (Redaction{}) {
		return attrs
	}
	out := attrs
	for i := range attrs {
		value, changed := r.value(attrs, attrs[i].Key, attrs[i].Value)
		if !changed {
			continue
		}
		if &out[0] == &attrs[0] {
			out = append([]attribute.KeyValue(nil), attrs...)
		}
		out[i].Value = value
	}
	return out
}

func (r Redaction) value(all []attribute.KeyValue, key attribute.Key, v attribute.Value) (_ attribute.Value, changed bool) {
	switch key {
	case keyDBQueryText, oldDBStatement:
		if r.SQLLiterals && v.Type() == attribute.STRING {
			text := sqlLiterals(v.AsString(), isMySQL(all))
			return attribute.StringValue(text), text != v.AsString()
		}
		return v, false
	case ownDBParams, oldDBParams:
		if r.DBParams {
			return paramsText(v), true
		}
		return v, false
	case ownDBOriginalException, ownDBChainedException, keyExceptionMessage, keyExceptionStacktrace, pythonMessage:
		if v.Type() == attribute.STRING {
			text := r.Text(v.AsString())
			return attribute.StringValue(text), text != v.AsString()
		}
		return v, false
	}
	if r.hides(all, key) {
		return sameShape(v), true
	}
	return v, false
}

// hides reports whether the attribute's whole value must be replaced.
func (r Redaction) hides(all []attribute.KeyValue, key attribute.Key) bool {
	switch key {
	case "db.statement.parameters", "db.postgresql.values", "db.mysql.values", "pgx.query.parameters":
		// These are keys of instrumentation for Python, JavaScript and Go.
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

// ofDB reports whether these are the attributes of a database call.
func ofDB(attrs []attribute.KeyValue) bool {
	for i := range attrs {
		if markOf(attrs[i].Key) == marksDB {
			return true
		}
	}
	return false
}

// paramsText redacts a JSON text. A text that is not JSON is replaced as a whole.
func paramsText(v attribute.Value) attribute.Value {
	if v.Type() == attribute.STRING {
		if raw, err := pyjson.One(v.AsString()); err == nil {
			return attribute.StringValue(redactParams(raw))
		}
	}
	return sameShape(v)
}

// sameShape returns one *** for a value, and one for each element of a slice.
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

// isMySQL reports whether the attributes name MySQL or MariaDB, where double quotes enclose
// strings.
func isMySQL(attrs []attribute.KeyValue) bool {
	for i := range attrs {
		if key := attrs[i].Key; key == keyDBSystemName || key == oldDBSystem {
			if system := attrs[i].Value.AsString(); system == "mysql" || system == "mariadb" {
				return true
			}
		}
	}
	return false
}
