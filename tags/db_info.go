package tags

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A query has the attributes of a database call's start, of any conventions.
type query struct {
	present                              bool // there are such attributes
	text, summary, operation, collection text
	params                               text
	parameters                           int // the number of attributes that have one parameter each
}

func readQuery(attrs []attribute.KeyValue) (q query) {
	for i := range attrs {
		v := &attrs[i].Value
		switch key := attrs[i].Key; key {
		case keyDBSystemName, oldDBSystem:
			q.present = true
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
	q.present = q.present || q.text.ok || q.summary.ok || q.operation.ok
	return q
}

// parameterName returns the name of the parameter whose value the attribute has.
func parameterName(key attribute.Key) (name string, ok bool) {
	if name, ok = strings.CutPrefix(string(key), prefixQueryParameter); ok {
		return name, true
	}
	return strings.CutPrefix(string(key), prefixOperationParameter)
}

// appendQueryInfo writes db with statement and params. The statement of a call without a query
// text is the query's summary, which is the conventions' term for the operation and its
// target.
func appendQueryInfo(dst []byte, attrs []attribute.KeyValue) []byte {
	q := readQuery(attrs)
	if !q.present || q.isEmpty() {
		return dst
	}
	dst = appendKeyText(append(dst, `{"db": {`...), "statement", q.statement())
	dst = appendKey(dst, "params")
	return append(q.appendParams(dst, attrs), "}}"...)
}

// statement returns the query text. Without one, it returns the summary, or the operation and
// its target.
func (q *query) statement() string {
	statement := q.text.or(q.summary).or(q.operation).s
	if !q.text.ok && !q.summary.ok && q.collection.s != "" {
		statement = strings.TrimSpace(statement + " " + q.collection.s)
	}
	return statement
}

// isEmpty reports whether the member db would have neither a statement nor parameters. A query
// text that is present but empty counts as a statement, because an info may have it.
func (q *query) isEmpty() bool {
	return !q.text.ok && q.statement() == "" && !q.params.ok && q.parameters == 0
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

// appendParameters writes the parameters that have attributes of their own. It writes an array
// if their names are the indices 0, 1, 2 …, because the conventions name nameless parameters
// this way. Otherwise it writes an object.
func (q *query) appendParameters(dst []byte, attrs []attribute.KeyValue) []byte {
	values := make([]attribute.KeyValue, 0, q.parameters)
	for i := range attrs {
		if name, ok := parameterName(attrs[i].Key); ok {
			values = append(values, attribute.KeyValue{Key: attribute.Key(name), Value: attrs[i].Value})
		}
	}
	if ordered := byIndex(values); ordered != nil {
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

// byIndex orders the values if their names are the indices 0 to n-1, each once. Otherwise it
// returns nil.
func byIndex(values []attribute.KeyValue) []attribute.KeyValue {
	ordered := make([]attribute.KeyValue, len(values))
	for i := range values {
		index, err := strconv.Atoi(string(values[i].Key))
		if err != nil || index < 0 || index >= len(ordered) || ordered[index].Key != "" {
			return nil
		}
		ordered[index] = values[i]
	}
	return ordered
}

// appendName writes the name of a member, which may need escapes.
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

// appendOutcomeInfo writes db with the outcome of the query, if an attribute describes the
// outcome.
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
