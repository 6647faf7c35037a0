package tags

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// appendRequests appends the attributes of the member requests of a start.
func appendRequests(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "method"}, {key: "path"}, {key: "query"}, {key: "scheme"}, {key: "hostname"}, {key: "port"}}
	clean := scan(raw, f[:])
	r := clientFields{texts: [5]field(f[:5]), portText: f[5]}
	r.port, r.hasPort = integer(f[5].raw)
	return r.append(dst, c, clean)
}

// clientFields has the fields method, path, query, scheme and hostname, which are
// strings, and port. A port is an integer or, for a scheme without a default port,
// the empty string.
type clientFields struct {
	texts    [5]field
	port     int64
	hasPort  bool  // the port is an integer
	portText field // set if the port is not an integer
}

func (r *clientFields) append(dst []attribute.KeyValue, c Conventions, clean bool) (_ []attribute.KeyValue, exact bool) {
	full := ""
	if c.stable() {
		dst, full = r.appendStable(dst)
	}
	if c.old() {
		dst = r.appendOld(dst)
	}
	return dst, clean && exactly(r.texts[:]) && r.portIsExact(full)
}

// portIsExact reports whether the inverse restores the same port. If the port is the empty
// string, the inverse must find no port in the scheme or in the whole URL.
func (r *clientFields) portIsExact(full string) bool {
	if r.hasPort {
		return true
	}
	return r.portText.exact && r.portText.text == "" && defaultPort(r.texts[3].text) == 0 && splitURL(full).port == 0
}

func (r *clientFields) appendStable(dst []attribute.KeyValue) (_ []attribute.KeyValue, full string) {
	method, path, query, scheme, hostname := &r.texts[0], &r.texts[1], &r.texts[2], &r.texts[3], &r.texts[4]
	dst = appendMethod(dst, method)
	dst = appendText(dst, keyServerAddress, hostname)
	if r.hasPort {
		dst = append(dst, keyServerPort.Int64(r.port))
	}
	if scheme.isText && hostname.isText && path.isText {
		u := url{scheme: scheme.text, host: hostname.text, path: path.text, query: query.text, port: r.port}
		full = u.String()
		dst = append(dst, keyURLFull.String(full))
	}
	dst = appendText(dst, keyURLScheme, scheme)
	dst = appendText(dst, keyURLPath, path)
	if query.text != "" || strings.Contains(full, "?") { // the question mark may be in the path
		dst = appendText(dst, keyURLQuery, query)
	}
	return dst, full
}

func (r *clientFields) appendOld(dst []attribute.KeyValue) []attribute.KeyValue {
	dst = appendText(dst, oldPath, &r.texts[1])
	dst = appendText(dst, oldQuery, &r.texts[2])
	dst = appendText(dst, oldMethod, &r.texts[0])
	dst = appendText(dst, oldScheme, &r.texts[3])
	dst = appendText(dst, oldHostname, &r.texts[4])
	if r.hasPort {
		return append(dst, oldPort.Int64(r.port))
	}
	return appendText(dst, oldPort, &r.portText)
}

// appendStatusCode appends the attributes of the member requests of a stop. Its
// field status_code is an integer.
func appendStatusCode(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "status_code"}}
	clean := scan(raw, f[:])
	code, ok := integer(f[0].raw)
	if !ok {
		return dst, false
	}
	return appendStatusCodeField(dst, code, clean, c)
}

func appendStatusCodeField(dst []attribute.KeyValue, code int64, clean bool, c Conventions) (_ []attribute.KeyValue, exact bool) {
	if c.stable() {
		dst = append(dst, keyStatusCode.Int64(code))
	}
	if c.old() {
		dst = append(dst, pythonStatusCode.Int64(code))
	}
	return dst, clean && c.stable()
}

// appendRequests writes requests with all six fields, if there are attributes of the request.
func (h *http) appendRequests(dst []byte) []byte {
	if !h.started() {
		return dst
	}
	u := h.clientURL()
	dst = append(dst, `{"requests": {`...)
	dst = appendKeyText(dst, "method", h.method())
	dst = appendKeyText(dst, "query", u.query)
	dst = appendKeyText(dst, "path", u.path)
	dst = appendKeyText(dst, "hostname", u.host)
	dst = appendKey(dst, "port")
	if h.port.ok || u.port != 0 {
		dst = strconv.AppendInt(dst, u.port, 10)
	} else {
		dst = pyjson.AppendString(dst, "")
	}
	dst = appendKeyText(dst, "scheme", u.scheme)
	return append(dst, "}}"...)
}

// clientURL returns the URL. Each part comes from its own attribute. A part without an
// attribute comes from the whole URL. A URL without a port gets the scheme's default port, as
// in the Python library.
func (h *http) clientURL() url {
	u := splitURL(h.url.s)
	if !h.url.ok && h.target.ok {
		u = splitTarget(h.target.s)
	}
	if h.path.ok && h.path.s != u.path {
		u.path, u.query = h.path.s, "" // the URL's query belongs to the URL's path
	}
	if h.query.ok {
		u.query = h.query.s
	}
	if h.scheme.ok {
		u.scheme = h.scheme.s
	}
	if h.host.ok {
		u.host = h.host.s
	} else if u.host == "" {
		u.host, u.port = splitHost(h.hostHeader.s)
	}
	if h.port.ok {
		u.port = h.port.n
	} else if u.port == 0 {
		u.port = defaultPort(u.scheme)
	}
	return u
}

// appendStatusCodeInfo writes requests with the status code, if an attribute has the status
// code.
func appendStatusCodeInfo(dst []byte, attrs []attribute.KeyValue) []byte {
	var code number
	for i := range attrs {
		switch v := &attrs[i].Value; attrs[i].Key {
		case keyStatusCode:
			code.set(v)
		case oldStatusCode:
			code.setAs(older, v)
		case pythonStatusCode:
			code.setAs(oldest, v)
		}
	}
	if !code.ok {
		return dst
	}
	dst = append(dst, `{"requests": {"status_code": `...)
	dst = strconv.AppendInt(dst, code.n, 10)
	return append(dst, "}}"...)
}
