package tags

import (
	"go.opentelemetry.io/otel/attribute"
)

// appendRequest says the request of an HTTP server's start: method, path,
// query and scheme, all of them strings.
func appendRequest(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "method"}, {key: "path"}, {key: "query"}, {key: "scheme"}}
	exact = scan(raw, f[:]) && exactly(f[:])
	if c.stable() {
		dst = appendMethod(dst, &f[0])
		dst = appendText(dst, keyURLPath, &f[1])
		if f[2].text != "" { // url.query is for requests that have one
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
	return dst, exact
}

// methodOther stands for the methods that the conventions do not list.
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

// appendRequest writes the request, if anything is known of it: always all
// four members, because upstream's readers ask for them.
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

// serverURL takes the parts that stand in attributes of their own, and what
// they leave open from http.target or a whole URL.
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
