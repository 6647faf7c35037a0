package messaging

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/osprofiler-otel/osprofiler/store"
)

// PythonAnswers implements driver.PythonAnswerer. Python's driver shows the trace in
// the order of the messages. It cannot list traces.
func (m *messages) PythonAnswers() store.PythonAnswers {
	return store.PythonAnswers{
		Driver: "messaging",
		Traces: func(context.Context, []string) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				yield("", fmt.Errorf("the Python library cannot list the traces of a message bus: %w", errors.ErrUnsupported))
			}
		},
	}
}
