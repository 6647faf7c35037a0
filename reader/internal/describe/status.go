package describe

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// statusKeys are the attributes of the HTTP status, in the stable and in the old
// semantic conventions.
var statusKeys = []string{"http.response.status_code", "http.status_code"}

// HTTPStatus returns the HTTP status code of a server's or a client's request. The Python
// library writes it for clients (requests.status_code of the stop), but not for servers. Our
// exporter writes it in the span of the stop (info.otel).
func HTTPStatus(n *reader.Node) string {
	stop, ok := n.Event(osprofiler.Stop)
	if !ok {
		return ""
	}
	info := stop.Info()
	for _, key := range []string{"requests", "request"} {
		raw, _ := info.Get(key)
		if code := Member(raw, "status_code"); code != "" {
			return code
		}
	}
	raw, _ := info.Get("otel")
	if !strings.Contains(raw, "status_code") {
		return ""
	}
	text, _ := pyjson.Text(raw)
	return statusOf(text)
}

// spanOf returns the span in an OTLP/JSON text of one span.
func spanOf(otlp string) string {
	if _, err := pyjson.One(otlp); err != nil {
		return ""
	}
	for _, list := range []string{"resourceSpans", "scopeSpans", "spans"} {
		raw, _ := pyjson.Get(otlp, list)
		otlp = ""
		for element := range pyjson.Elements(raw) {
			otlp = element
			break
		}
	}
	return otlp
}

// statusOf returns the HTTP status in the OTLP/JSON text of one span.
func statusOf(otlp string) string {
	attributes, _ := pyjson.Get(spanOf(otlp), "attributes")
	for attribute := range pyjson.Elements(attributes) {
		key := Member(attribute, "key")
		if key != statusKeys[0] && key != statusKeys[1] {
			continue
		}
		value, _ := pyjson.Get(attribute, "value")
		if code := Member(value, "intValue"); code != "" {
			return code
		}
	}
	return ""
}
