package main

import (
	"errors"
	"strings"

	"github.com/osprofiler-otel/osprofiler/tags"
)

// A redaction is the value of the flag --redact: names separated by commas.
type redaction struct {
	tags.Redaction
	names []string
}

// redactions are the kinds of values that --redact replaces.
var redactions = map[string]func(*tags.Redaction){
	"db-params":        func(r *tags.Redaction) { r.DBParams = true },
	"sql-literals":     func(r *tags.Redaction) { r.SQLLiterals = true },
	"function-args":    func(r *tags.Redaction) { r.FunctionArgs = true },
	"function-results": func(r *tags.Redaction) { r.FunctionResult = true },
}

var errRedaction = errors.New("it should be all, or names with commas between them: " + strings.Join(redactionNames(), ", "))

func redactionNames() []string {
	return []string{"db-params", "sql-literals", "function-args", "function-results"}
}

// String implements pflag.Value.
func (r *redaction) String() string { return strings.Join(r.names, ",") }

// Type implements pflag.Value.
func (r *redaction) Type() string { return "values" }

// Set implements pflag.Value. Each further flag adds names.
func (r *redaction) Set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		selected := []string{name}
		if name == "all" {
			selected = redactionNames()
		}
		for _, one := range selected {
			enable := redactions[one]
			if enable == nil {
				return errRedaction
			}
			enable(&r.Redaction)
		}
		r.names = append(r.names, name)
	}
	return nil
}

// Append implements pflag.SliceValue.
func (r *redaction) Append(text string) error { return r.Set(text) }

// Replace implements pflag.SliceValue.
func (r *redaction) Replace(texts []string) error {
	*r = redaction{}
	return r.Set(strings.Join(texts, ","))
}

// GetSlice implements pflag.SliceValue.
func (r *redaction) GetSlice() []string { return r.names }
