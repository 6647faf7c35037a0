package elasticsearch

import (
	"context"
	"errors"
	"iter"

	"github.com/osprofiler-otel/osprofiler/store"
)

// PythonAnswers implements driver.PythonAnswerer. Python's driver reads the traces
// as ours does, apart from notifications of other traces with a similar base id. It
// fails to list traces and failed traces, with every server, because it passes a
// set to the client library, which cannot write a set as JSON.
func (c *cluster) PythonAnswers() store.PythonAnswers {
	return store.PythonAnswers{
		Driver:       "elasticsearch",
		Traces:       func(context.Context, []string) iter.Seq2[string, error] { return failsToList },
		FailedTraces: func(context.Context) iter.Seq2[string, error] { return failsToList },
	}
}

var errPythonList = errors.New("cannot list as Python's driver does, because it fails: its client library is unable to serialize the set of the fields (SerializationError)")

func failsToList(yield func(string, error) bool) { yield("", errPythonList) }
