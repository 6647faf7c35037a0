package describe

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// Failed reports whether an operation failed: it reported an error, or it is an HTTP request
// with a status from 500 to 599.
//
// OpenTelemetry's conventions count 5xx as an error of the server's span and of the client's
// span. They also count 4xx as an error of the client's span, unless the instrumentation
// knows better. Here 4xx is not an error. OpenStack's clients look for objects by trying
// names, and log in after a 401, so 404 and 401 are normal answers. If the caller fails
// because of a 4xx, it reports an error itself.
func Failed(n *reader.Node) bool { return n.Failed || isServerError(n) }

// ErrorType returns the type of the error of a failed operation. For a request that reported
// no error, the type is the status, as in OpenTelemetry's attribute error.type.
func ErrorType(n *reader.Node) string {
	if !n.Failed && isServerError(n) {
		return HTTPStatus(n)
	}
	return n.Exception
}

// isServerError reports whether the status is from 500 to 599. A span that OpenTelemetry
// marked as OK has no error.
func isServerError(n *reader.Node) bool {
	stop, ok := n.Event(osprofiler.Stop)
	if !ok || !strings.Contains(string(stop.Info()), "status_code") {
		return false
	}
	code := HTTPStatus(n)
	return isStatus(code) && code[0] == '5' && !isOK(stop.Info())
}

// isStatus reports whether a text is an HTTP status: three digits.
func isStatus(text string) bool {
	return len(text) == 3 && strings.Trim(text, "0123456789") == ""
}

// isOK reports whether the info has a span with the status OK.
func isOK(info osprofiler.Info) bool {
	raw, _ := info.Get("otel")
	text, _ := pyjson.Text(raw)
	status, _ := pyjson.Get(spanOf(text), "status")
	code := Member(status, "code")
	return code == "1" || code == "STATUS_CODE_OK"
}

// TypeOfError writes the type of an error for people. A number is an HTTP status.
func TypeOfError(text string) string {
	if isStatus(text) {
		return "HTTP " + text
	}
	return text
}
