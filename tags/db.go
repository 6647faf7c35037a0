package tags

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// appendQuery appends the attributes of the member db of a start. Its field statement is a
// string. The field params becomes an attribute with its JSON text, because params may be an
// object, an array, or an array of these (executemany), with values of any type.
func appendQuery(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "statement"}, {key: "params"}}
	clean := scan(raw, f[:])
	params := ""
	if !f[1].missing() {
		params = jsonText(f[1].raw)
	}
	return appendDBCall(dst, &f[0], params, c), clean && f[0].exact && params != ""
}

func appendDBCall(dst []attribute.KeyValue, statement *field, params string, c Conventions) []attribute.KeyValue {
	if c.stable() {
		dst = append(dst, semconv.DBSystemNameOtherSQL)
		dst = appendText(dst, keyDBQueryText, statement)
		if params != "" && params != "{}" { // the inverse writes {} without the attribute
			dst = append(dst, ownDBParams.String(params))
		}
	}
	if c.old() {
		dst = appendText(dst, oldDBStatement, statement)
		if params != "" {
			dst = append(dst, oldDBParams.String(params))
		}
	}
	return dst
}

// jsonText returns a raw value in the form of json.dumps. Most raw values already have this
// form.
func jsonText(raw string) string {
	var room [1024]byte
	if text := pyjson.Compact.Append(room[:0], raw); string(text) != raw {
		return string(text)
	}
	return raw
}

// appendOutcome appends the attributes of the member db of a stop. Its fields are
// strings: result or, after a failure, original_exception and chained_exception.
func appendOutcome(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "result"}, {key: "original_exception"}, {key: "chained_exception"}}
	clean := scan(raw, f[:])
	return appendOutcomeFields(dst, f, clean, c)
}

func appendOutcomeFields(dst []attribute.KeyValue, f [3]field, clean bool, c Conventions) (_ []attribute.KeyValue, exact bool) {
	exact = clean
	onePresent := false
	for i := range f {
		onePresent = onePresent || f[i].exact
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
	return dst, exact && onePresent && c.stable()
}
