package python

import (
	"fmt"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// An ExceptionError is Python's answer if the Python library raises an exception.
type ExceptionError struct {
	// Notification is the number of the notification in the trace, from 1, at
	// which the exception is raised. It is 0 if the exception is raised after the
	// last one.
	Notification int
	// Name is the notification's name. If Notification is 0, it names the
	// operation.
	Name string
	// Exception is the exception as Python prints it: type, colon, message.
	Exception string
}

// Error implements error.
func (e *ExceptionError) Error() string {
	at := fmt.Sprintf("notification %d of the trace, %s", e.Notification, safetext.Quote(e.Name))
	if e.Notification == 0 {
		at = "the operation " + safetext.Quote(e.Name)
	}
	return "the Python library's report fails at " + at + ", with " + e.Exception +
		"; without Python's answers the trace can be read"
}
