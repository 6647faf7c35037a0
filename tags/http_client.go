package tags

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// appendRequests says the requests of an HTTP client's start: method, query,
// path, hostname and scheme, all of them strings, and port, an integer or, for
// a scheme without a port of its own, the empty string.
func appendRequests(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	r := requests{{key: "method"}, {key: "path"}, {key: "query"}, {key: "scheme"}, {key: "hostname"}, {key: "port"}}
	exact = scan(raw, r[:]) && exactly(r[:5])
	if c.stable() {
		var full string
		dst, full = r.appendStable(dst)
		exact = exact && r.portIsExact(full)
	} else {
		exact = exact && r.portIsExact("")
	}
	if c.old() {
		dst = r.appendOld(dst)
	}
	return dst, exact
}

// requests is the fields method, path, query, scheme, hostname and port.
type requests [6]field

func (r *requests) port() (int64, bool) { return integer(r[5].raw) }

// portIsExact tells whether the inverse finds the same port. If it is the empty
// string, it must find none in the scheme or in the whole URL.
func (r *requests) portIsExact(full string) bool {
	if _, ok := r.port(); ok {
		return true
	}
	return r[5].exact && r[5].text == "" && defaultPort(r[3].text) == 0 && splitURL(full).port == 0
}

func (r *requests) appendStable(dst []attribute.KeyValue) (_ []attribute.KeyValue, full string) {
	method, path, query, scheme, hostname := &r[0], &r[1], &r[2], &r[3], &r[4]
	port, hasPort := r.port()
	dst = appendMethod(dst, method)
	dst = appendText(dst, keyServerAddress, hostname)
	if hasPort {
		dst = append(dst, keyServerPort.Int64(port))
	}
	if scheme.isText && hostname.isText && path.isText {
		u := url{scheme: scheme.text, host: hostname.text, path: path.text, query: query.text, port: port}
		full = u.String()
		dst = append(dst, keyURLFull.String(full))
	}
	dst = appendText(dst, keyURLScheme, scheme)
	dst = appendText(dst, keyURLPath, path)
	if query.text != "" || strings.Contains(full, "?") { // a path may have that, too
		dst = appendText(dst, keyURLQuery, query)
	}
	return dst, full
}

func (r *requests) appendOld(dst []attribute.KeyValue) []attribute.KeyValue {
	dst = appendText(dst, oldPath, &r[1])
	dst = appendText(dst, oldQuery, &r[2])
	dst = appendText(dst, oldMethod, &r[0])
	dst = appendText(dst, oldScheme, &r[3])
	dst = appendText(dst, oldHostname, &r[4])
	if port, ok := r.port(); ok {
		return append(dst, oldPort.Int64(port))
	}
	return appendText(dst, oldPort, &r[5])
}

// appendStatusCode says the requests of an HTTP client's stop: status_code, an
// integer.
func appendStatusCode(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "status_code"}}
	clean := scan(raw, f[:])
	code, ok := integer(f[0].raw)
	if !ok {
		return dst, false
	}
	if c.stable() {
		dst = append(dst, keyStatusCode.Int64(code))
	}
	if c.old() {
		dst = append(dst, pythonStatusCode.Int64(code))
	}
	return dst, clean && c.stable()
}

// appendRequests writes the requests, if anything is known of it: always all
// six members.
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

// clientURL takes the parts that stand in attributes of their own, and what
// they leave open from the whole URL. As upstream does, it takes the scheme's
// own port where none is known.
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

// appendStatusCodeInfo writes the outcome of a client's request, if it is known.
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
