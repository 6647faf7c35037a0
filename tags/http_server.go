package tags

import (
	"go.opentelemetry.io/otel/attribute"
)

// appendRequest appends the attributes of the member request of a start.
func appendRequest(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := requestFields{{key: "method"}, {key: "path"}, {key: "query"}, {key: "scheme"}}
	exact = scan(raw, f[:]) && exactly(f[:])
	return f.append(dst, c), exact
}

// requestFields has the fields method, path, query and scheme, which are strings.
type requestFields [4]field

func (f *requestFields) append(dst []attribute.KeyValue, c Conventions) []attribute.KeyValue {
	if c.stable() {
		dst = appendMethod(dst, &f[0])
		dst = appendText(dst, keyURLPath, &f[1])
		if f[2].text != "" { // the conventions define url.query only for requests that have a query
			dst = appendText(dst, keyURLQuery, &f[2])
		}
		dst = appendText(dst, keyURLScheme, &f[3])
	}
	if c.old() {
		dst = appendText(dst, oldPath, &f[1])
		dst = appendText(dst, oldQuery, &f[2])
		dst = appendText(dst, oldMethod, &f[0])
		dst = appendText(dst, oldScheme, &f[3])
	}
	return dst
}

// methodOther is the value for methods that the conventions do not list.
const methodOther = "_OTHER"

func appendMethod(dst []attribute.KeyValue, f *field) []attribute.KeyValue {
	if !f.isText {
		return dst
	}
	switch f.text {
	case "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "QUERY":
		return append(dst, keyMethod.String(f.text))
	}
	return append(dst, keyMethod.String(methodOther), keyMethodOriginal.String(f.text))
}

// appendRequest writes request, if there are attributes of the request. It always writes all
// four fields, because the Python library's readers need them.
func (h *http) appendRequest(dst []byte) []byte {
	if !h.started() {
		return dst
	}
	u := h.serverURL()
	dst = append(dst, `{"request": {`...)
	dst = appendKeyText(dst, "path", u.path)
	dst = appendKeyText(dst, "query", u.query)
	dst = appendKeyText(dst, "method", h.method())
	dst = appendKeyText(dst, "scheme", u.scheme)
	return append(dst, "}}"...)
}

// serverURL returns the URL. Each part comes from its own attribute. A part without an
// attribute comes from http.target or the whole URL.
func (h *http) serverURL() url {
	u := url{scheme: h.scheme.s, path: h.path.s, query: h.query.s}
	if !h.path.ok {
		var from url
		if h.target.ok {
			from = splitTarget(h.target.s)
		} else {
			from = splitURL(h.url.s)
		}
		u.path = from.path
		if !h.query.ok {
			u.query = from.query
		}
	}
	if !h.scheme.ok {
		u.scheme = splitURL(h.url.s).scheme
	}
	return u
}
