package tags

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// The types below are the known members of an info for a program that has their values. Their
// attributes are those that [StartAttributes] and [StopAttributes] return for an info with
// that member. The info is not written or parsed.
//
// exact reports whether the attributes represent the member fully. If it is false, the
// attributes are useless without the rest of the info. In that case write the info and call
// StartAttributes or StopAttributes.

// A ServerRequest is the member request of a start: the request that an HTTP
// server answers.
type ServerRequest struct{ Method, Path, Query, Scheme string }

// AppendAttributes appends the attributes of the member.
func (r ServerRequest) AppendAttributes(dst []attribute.KeyValue, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	f := requestFields{textField(r.Method), textField(r.Path), textField(r.Query), textField(r.Scheme)}
	return f.append(dst, c), exactly(f[:])
}

// A ClientRequest is the member requests of a start: the request that an HTTP
// client sends.
type ClientRequest struct {
	Method, Path, Query, Scheme, Hostname string
	Port                                  uint16 // 0 for none; the info then has the empty string
}

// AppendAttributes appends the attributes of the member.
func (r ClientRequest) AppendAttributes(dst []attribute.KeyValue, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	f := clientFields{
		texts: [...]field{textField(r.Method), textField(r.Path), textField(r.Query), textField(r.Scheme), textField(r.Hostname)},
		port:  int64(r.Port), hasPort: r.Port != 0, portText: textField(""),
	}
	return f.append(dst, c, true)
}

// A DBCall is the member db of a start: a statement and its parameters.
type DBCall struct {
	Statement string
	// Params is the JSON text of the parameters, as json.dumps writes it.
	Params string
}

// AppendAttributes appends the attributes of the member.
func (d DBCall) AppendAttributes(dst []attribute.KeyValue, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	statement := textField(d.Statement)
	return appendDBCall(dst, &statement, d.Params, c), statement.exact && d.Params != ""
}

// A FunctionCall is the member function of a start: a function's name and its
// arguments as texts. It has no member for empty Args or Kwargs.
type FunctionCall struct{ Name, Args, Kwargs string }

// AppendAttributes appends the attributes of the member. call is RPC or Function.
func (f FunctionCall) AppendAttributes(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	fields := functionFields{0: textField(f.Name)}
	if f.Args != "" {
		fields[1] = textField(f.Args)
	}
	if f.Kwargs != "" {
		fields[2] = textField(f.Kwargs)
	}
	return fields.append(dst, call, c, true)
}

// AppendResultAttributes appends the attributes of a stop with a result. The result is in the
// member db for a database call, and in the member function for an RPC or a function. Other
// calls have no result, and exact is false for them.
func AppendResultAttributes(dst []attribute.KeyValue, call Call, result string, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	f := textField(result)
	switch call {
	case DB:
		return appendOutcomeFields(dst, [3]field{f}, true, c)
	case RPC, Function:
		return appendResultField(dst, &f, true, c)
	}
	return dst, false
}

// AppendStatusCodeAttributes appends the attributes of the member requests of a
// stop: the status code of the response.
func AppendStatusCodeAttributes(dst []attribute.KeyValue, code int, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	return appendStatusCodeField(dst, int64(code), true, c)
}

// textField returns the field that scan would return for a text in an info.
func textField(text string) (f field) {
	f.setText(pyjson.Normal(text))
	f.raw = `""` // not missing; the raw value of a text is not read further
	return f
}
