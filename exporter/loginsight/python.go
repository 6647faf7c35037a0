package loginsight

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// PythonAnswers implements driver.PythonAnswerer. Python's driver reads the traces as
// ours does, apart from notifications of other traces whose base id contains the base id
// of the trace. For a notification that is too large for a field, it shows the short
// form. It cannot list.
func (d *database) PythonAnswers() store.PythonAnswers {
	return store.PythonAnswers{
		Driver: scheme,
		Payload: func(n *osprofiler.Notification) string {
			if trace := appendTrace(nil, n); needsShortForm(n, trace) {
				return string(appendShort(nil, n, original{digest: digestOf(trace), bytes: len(trace)}))
			}
			return n.JSON()
		},
		Traces: func(context.Context, []string) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) { yield("", errPythonList) }
		},
	}
}

var errPythonList = fmt.Errorf("the driver loginsight of the Python library cannot list traces: %w", errors.ErrUnsupported)
