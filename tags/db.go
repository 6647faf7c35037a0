package tags

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// appendQuery says the db of a query's start: statement, a string, and params,
// of which the attribute holds the JSON text, because they may be an object, an
// array, or an array of these (executemany), with values of any type.
func appendQuery(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "statement"}, {key: "params"}}
	clean := scan(raw, f[:])
	statement, params := &f[0], ""
	if !f[1].missing() {
		params = jsonText(f[1].raw)
	}
	if c.stable() {
		dst = append(dst, semconv.DBSystemNameOtherSQL)
		dst = appendText(dst, keyDBQueryText, statement)
		if params != "" {
			dst = append(dst, ownDBParams.String(params))
		}
	}
	if c.old() {
		dst = appendText(dst, oldDBStatement, statement)
		if params != "" {
			dst = append(dst, oldDBParams.String(params))
		}
	}
	return dst, clean && statement.exact && params != ""
}

// jsonText is a raw value as json.dumps writes it, which it mostly is already.
func jsonText(raw string) string {
	var room [1024]byte
	if text := pyjson.Compact.Append(room[:0], raw); string(text) != raw {
		return string(text)
	}
	return raw
}

// appendOutcome says the db of a query's stop: result, or of a failed one
// original_exception and chained_exception, all of them strings.
func appendOutcome(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "result"}, {key: "original_exception"}, {key: "chained_exception"}}
	exact = scan(raw, f[:])
	said := false
	for i := range f {
		said = said || f[i].exact
		exact = exact && (f[i].exact || f[i].missing())
	}
	if c.stable() {
		dst = appendText(dst, ownDBResult, &f[0])
		dst = appendText(dst, ownDBOriginalException, &f[1])
		dst = appendText(dst, ownDBChainedException, &f[2])
	}
	if c.old() && f[0].text != "" {
		dst = appendText(dst, pythonResult, &f[0])
	}
	return dst, exact && said && c.stable()
}

// query is what attributes of any convention say of a database call's start.
type query struct {
	known                                bool
	text, summary, operation, collection text
	params                               text
	parameters                           int // attributes of one parameter each
}

func readQuery(attrs []attribute.KeyValue) (q query) {
	for i := range attrs {
		v := &attrs[i].Value
		switch key := attrs[i].Key; key {
		case keyDBSystemName, oldDBSystem:
			q.known = true
		case keyDBQueryText:
			q.text.set(v)
		case oldDBStatement:
			q.text.setAs(older, v)
		case keyDBQuerySummary:
			q.summary.set(v)
		case keyDBOperationName:
			q.operation.set(v)
		case oldDBOperation:
			q.operation.setAs(older, v)
		case keyDBCollectionName:
			q.collection.set(v)
		case ownDBParams:
			q.params.set(v)
		case oldDBParams:
			q.params.setAs(older, v)
		default:
			if _, ok := parameterName(key); ok {
				q.parameters++
			}
		}
	}
	q.known = q.known || q.text.ok || q.summary.ok || q.operation.ok
	return q
}

// parameterName is the name of the parameter whose value the attribute has.
func parameterName(key attribute.Key) (name string, ok bool) {
	if name, ok = strings.CutPrefix(string(key), prefixQueryParameter); ok {
		return name, true
	}
	return strings.CutPrefix(string(key), prefixOperationParameter)
}

// appendQueryInfo writes db with statement and params. A call without a query
// text has for its statement what the conventions call the query's summary:
// the operation and what it works on.
func appendQueryInfo(dst []byte, attrs []attribute.KeyValue) []byte {
	q := readQuery(attrs)
	if !q.known {
		return dst
	}
	statement := q.text.or(q.summary).or(q.operation).s
	if !q.text.ok && !q.summary.ok && q.collection.s != "" {
		statement = strings.TrimSpace(statement + " " + q.collection.s)
	}
	dst = appendKeyText(append(dst, `{"db": {`...), "statement", statement)
	dst = appendKey(dst, "params")
	return append(q.appendParams(dst, attrs), "}}"...)
}

func (q *query) appendParams(dst []byte, attrs []attribute.KeyValue) []byte {
	if q.params.ok {
		if raw, err := pyjson.One(q.params.s); err == nil {
			return pyjson.Compact.Append(dst, raw)
		}
		return pyjson.AppendString(dst, q.params.s)
	}
	if q.parameters == 0 {
		return append(dst, "{}"...)
	}
	return q.appendParameters(dst, attrs)
}

// appendParameters writes the parameters that stand in attributes of their
// own: as an array where their names are the places 0, 1, 2 …, which is how
// the conventions name those that have no name, else as an object.
func (q *query) appendParameters(dst []byte, attrs []attribute.KeyValue) []byte {
	values := make([]attribute.KeyValue, 0, q.parameters)
	for i := range attrs {
		if name, ok := parameterName(attrs[i].Key); ok {
			values = append(values, attribute.KeyValue{Key: attribute.Key(name), Value: attrs[i].Value})
		}
	}
	if ordered := byPlace(values); ordered != nil {
		dst = append(dst, '[')
		for i := range ordered {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendValue(dst, &ordered[i].Value)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := range values {
		dst = appendValue(append(appendName(dst, string(values[i].Key)), ": "...), &values[i].Value)
	}
	return append(dst, '}')
}

// byPlace orders the values if their names are the places 0 to n-1, each once.
func byPlace(values []attribute.KeyValue) []attribute.KeyValue {
	ordered := make([]attribute.KeyValue, len(values))
	for i := range values {
		place, err := strconv.Atoi(string(values[i].Key))
		if err != nil || place < 0 || place >= len(ordered) || ordered[place].Key != "" {
			return nil
		}
		ordered[place] = values[i]
	}
	return ordered
}

// appendName starts a member with a name of any characters.
func appendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ", "...)
	}
	return pyjson.AppendString(dst, name)
}

// appendValue writes an attribute's value as JSON.
func appendValue(dst []byte, v *attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		return pyjson.AppendString(dst, v.AsString())
	case attribute.INT64:
		return strconv.AppendInt(dst, v.AsInt64(), 10)
	case attribute.BOOL:
		return strconv.AppendBool(dst, v.AsBool())
	case attribute.FLOAT64:
		return pyjson.AppendFloat(dst, v.AsFloat64())
	case attribute.EMPTY:
		return append(dst, "null"...)
	default:
		return pyjson.AppendString(dst, v.String())
	}
}

// appendOutcomeInfo writes db with what is known of the query's outcome.
func appendOutcomeInfo(dst []byte, attrs []attribute.KeyValue) []byte {
	var result, original, chained text
	for i := range attrs {
		switch v := &attrs[i].Value; attrs[i].Key {
		case ownDBResult:
			result.set(v)
		case ownDBOriginalException:
			original.set(v)
		case ownDBChainedException:
			chained.set(v)
		}
	}
	if !result.ok && !original.ok && !chained.ok {
		return dst
	}
	dst = append(dst, `{"db": {`...)
	if result.ok {
		dst = appendKeyText(dst, "result", result.s)
	}
	if original.ok {
		dst = appendKeyText(dst, "original_exception", original.s)
	}
	if chained.ok {
		dst = appendKeyText(dst, "chained_exception", chained.s)
	}
	return append(dst, "}}"...)
}
