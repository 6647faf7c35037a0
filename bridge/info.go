package bridge

import (
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
)

// DB is the info of a database call's start: its statement and parameters, as
// OSProfiler's SQLAlchemy tracing writes them. A parameter that JSON cannot
// hold stands there as its text.
func DB(statement string, params ...any) osprofiler.Info {
	if params == nil {
		params = []any{}
	}
	return infoOf("db", map[string]any{"statement": statement, "params": sayable(params)})
}

// Function is the info of a function's start: its name and its arguments, as
// text.
func Function(name string, args ...any) osprofiler.Info {
	return infoOf("function", map[string]any{"name": name, "args": tuple(args), "kwargs": "{}"})
}

// Result is the info of a function's stop: what it returned, as text.
func Result(value any) osprofiler.Info {
	return infoOf("function", map[string]any{"result": fmt.Sprint(value)})
}

func infoOf(member string, values map[string]any) osprofiler.Info {
	info, err := osprofiler.NewInfo(map[string]any{member: values})
	if err != nil { // cannot happen: all of it is text, or was tried before
		return ""
	}
	return info
}

// sayable replaces what JSON cannot hold by its text.
func sayable(values []any) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
		if _, err := osprofiler.NewInfo(map[string]any{"v": v}); err != nil {
			out[i] = fmt.Sprint(v)
		}
	}
	return out
}

// tuple writes arguments between parentheses, strings in quotes.
func tuple(args []any) string {
	var b strings.Builder
	b.WriteByte('(')
	for i, arg := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		if text, ok := arg.(string); ok {
			fmt.Fprintf(&b, "%q", text)
		} else {
			fmt.Fprint(&b, arg)
		}
	}
	b.WriteByte(')')
	return b.String()
}
