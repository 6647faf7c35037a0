package tags

import "go.opentelemetry.io/otel/attribute"

// isBlank reports whether no attribute says what was called: the statement of a database call,
// the path of an incoming request, the host or path of an outgoing request, the method of an
// RPC.
func (c Call) isBlank(attrs []attribute.KeyValue) bool {
	switch c {
	case HTTPServer:
		h := readHTTP(attrs)
		return h.serverURL().path == ""
	case HTTPClient:
		h := readHTTP(attrs)
		u := h.clientURL()
		return u.host == "" && u.path == ""
	case DB:
		q := readQuery(attrs)
		return isBlankText(q.statement())
	case RPC:
		r, f := readRPC(attrs), readFunction(attrs)
		return isBlankText(r.name().or(f.name).s)
	default:
		return false
	}
}

func isBlankText(s string) bool {
	for i := range len(s) {
		if s[i] > ' ' {
			return false
		}
	}
	return true
}
