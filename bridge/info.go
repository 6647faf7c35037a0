package bridge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// DB returns the info of a database call's start: its statement and parameters, in the form of
// OSProfiler's SQLAlchemy tracing. A parameter that JSON cannot represent is written as its
// text. Without parameters, params is {}, because readers of the Python library need it, and
// the span has no attribute for it.
func DB(statement string, params ...any) osprofiler.Info {
	return infoOf("db", map[string]any{"statement": statement, "params": json.RawMessage(appendParams(nil, params))})
}

// DBResult returns the info of a database call's stop: its result as text.
func DBResult(value any) osprofiler.Info {
	return infoOf("db", map[string]any{"result": textOf(value)})
}

// Function returns the info of a function's start: its name and, if there are any, its
// arguments as text. Go has no keyword arguments, so the info has no kwargs.
func Function(name string, args ...any) osprofiler.Info {
	function := map[string]any{"name": name}
	if len(args) > 0 {
		function["args"] = tuple(args)
	}
	return infoOf("function", function)
}

// Result returns the info of a function's stop: its result as text.
func Result(value any) osprofiler.Info {
	return infoOf("function", map[string]any{"result": textOf(value)})
}

// Request returns the info of the start of an incoming request: path, query, method and
// scheme. The path is the whole, still encoded path that the client requested, also behind an
// [http.StripPrefix]. The query is raw.
func Request(r *http.Request) osprofiler.Info {
	q := serverRequest(r)
	return infoOf("request", map[string]any{"path": q.Path, "query": q.Query, "method": q.Method, "scheme": q.Scheme})
}

// Requests returns the info of the start of an outgoing request: method, query, path,
// hostname, port and scheme. Path and query are encoded. The host's name is in lower case. If
// the URL has no port, the port is the scheme's default, or empty if the scheme has no
// default.
func Requests(r *http.Request) osprofiler.Info {
	q := clientRequest(r)
	var port any = ""
	if q.Port != 0 {
		port = int(q.Port)
	}
	return infoOf("requests", map[string]any{
		"method": q.Method, "query": q.Query, "path": q.Path, "hostname": q.Hostname, "port": port, "scheme": q.Scheme,
	})
}

// StatusCode returns the info of the stop of an outgoing request: the status code of the
// response.
func StatusCode(code int) osprofiler.Info {
	return infoOf("requests", map[string]any{"status_code": code})
}

func infoOf(member string, values map[string]any) osprofiler.Info {
	info, err := osprofiler.NewInfo(map[string]any{member: values})
	if err != nil { // impossible: all values are texts, numbers or JSON that was written before
		return ""
	}
	return info
}

// appendParams appends the JSON array of a statement's parameters, or {} if there are none. A
// parameter that JSON cannot represent is written as its text.
func appendParams(dst []byte, params []any) []byte {
	if len(params) == 0 {
		return append(dst, "{}"...)
	}
	dst = append(dst, '[')
	for i, param := range params {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendParam(dst, param)
	}
	return append(dst, ']')
}

func appendParam(dst []byte, param any) []byte {
	switch param.(type) {
	case nil, bool, string, int, int64, float64: // needs no check
		dst, _ = pyjson.Append(dst, param)
		return dst
	}
	// In the info, the parameter is nested three levels deep. JSON that is nested too deeply
	// is an error.
	const levels = 3
	text, err := pyjson.Append(nil, []any{[]any{[]any{param}}})
	if err != nil {
		return pyjson.AppendString(dst, fmt.Sprint(param))
	}
	return append(dst, text[levels:len(text)-levels]...)
}

// tuple writes arguments between parentheses, with strings in quotes.
func tuple(args []any) string {
	var room [128]byte
	dst := append(room[:0], '(')
	for i, arg := range args {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if text, ok := arg.(string); ok {
			dst = strconv.AppendQuote(dst, text)
		} else {
			dst = append(dst, textOf(arg)...)
		}
	}
	return string(append(dst, ')'))
}

// textOf returns a value in the form of fmt.Sprint.
func textOf(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case int:
		return strconv.Itoa(value)
	}
	return fmt.Sprint(value)
}
