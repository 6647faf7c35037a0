package tags

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// An http has the attributes of an HTTP request, of any conventions.
type http struct {
	normalMethod, originalMethod text // originalMethod is set if the conventions do not list the method
	url, target                  text
	scheme, host, path, query    text
	hostHeader                   text
	port                         number
}

func readHTTP(attrs []attribute.KeyValue) (h http) {
	for i := range attrs {
		v := &attrs[i].Value
		switch attrs[i].Key {
		case keyMethod:
			h.normalMethod.set(v)
		case keyMethodOriginal:
			h.originalMethod.set(v)
		case keyURLFull:
			h.url.set(v)
		case keyURLScheme:
			h.scheme.set(v)
		case keyURLPath:
			h.path.set(v)
		case keyURLQuery:
			h.query.set(v)
		case keyServerAddress:
			h.host.set(v)
		case keyServerPort:
			h.port.set(v)
		default:
			h.readOlder(attrs[i].Key, v)
		}
	}
	return h
}

func (h *http) readOlder(key attribute.Key, v *attribute.Value) {
	switch key {
	case oldMethod:
		h.normalMethod.setAs(older, v)
	case oldURL:
		h.url.setAs(older, v)
	case oldTarget:
		h.target.setAs(older, v)
	case oldScheme:
		h.scheme.setAs(older, v)
	case oldPath:
		h.path.setAs(older, v)
	case oldQuery:
		h.query.setAs(older, v)
	case oldHostname:
		h.host.setAs(older, v)
	case oldPort:
		h.port.setAs(older, v)
	case oldPeerName:
		h.host.setAs(oldest, v)
	case oldPeerPort:
		h.port.setAs(oldest, v)
	case oldHost:
		h.hostHeader.setAs(older, v)
	}
}

// schemeOf returns the scheme that readHTTP would read.
func schemeOf(attrs []attribute.KeyValue) string {
	var scheme, whole text
	for i := range attrs {
		switch v := &attrs[i].Value; attrs[i].Key {
		case keyURLScheme:
			scheme.set(v)
		case oldScheme:
			scheme.setAs(older, v)
		case keyURLFull:
			whole.set(v)
		case oldURL:
			whole.setAs(older, v)
		}
	}
	if scheme.ok {
		return scheme.s
	}
	return splitURL(whole.s).scheme
}

// started reports whether there are attributes of the request itself.
func (h *http) started() bool {
	return h.normalMethod.ok || h.originalMethod.ok || h.url.ok || h.target.ok || h.path.ok
}

func (h *http) method() string { return h.originalMethod.or(h.normalMethod).s }

// A url has the parts of a URL that the Python library writes. It is split and joined without
// checks: nothing is decoded or refused.
type url struct {
	scheme, host, path, query string
	port                      int64 // 0 for none
}

// splitURL splits an absolute URL. User information and fragment are dropped. The
// host is in lower case and without brackets, as Python's urlparse returns it. A
// text without "://" is a path with a query.
func splitURL(s string) (u url) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return splitTarget(s)
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	u = splitTarget(rest[end:])
	u.scheme = strings.ToLower(scheme)
	u.host, u.port = splitHost(authority[strings.LastIndexByte(authority, '@')+1:])
	return u
}

func splitHost(s string) (host string, port int64) {
	host = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && i > strings.LastIndexByte(s, ']') {
		host = s[:i]
		if n, err := strconv.ParseUint(s[i+1:], 10, 16); err == nil {
			port = int64(n)
		}
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(host), port
}

// splitTarget splits a request's target.
func splitTarget(s string) (u url) {
	s, _, _ = strings.Cut(s, "#")
	u.path, u.query, _ = strings.Cut(s, "?")
	return u
}

// String joins the URL. It omits the scheme's default port.
func (u url) String() string {
	var room [256]byte
	dst := append(append(room[:0], u.scheme...), "://"...)
	if strings.Contains(u.host, ":") {
		dst = append(append(append(dst, '['), u.host...), ']')
	} else {
		dst = append(dst, u.host...)
	}
	if u.port != 0 && u.port != defaultPort(u.scheme) {
		dst = strconv.AppendInt(append(dst, ':'), u.port, 10)
	}
	dst = append(dst, u.path...)
	if u.query != "" {
		dst = append(append(dst, '?'), u.query...)
	}
	return string(dst)
}

// defaultPort returns the port that the Python library assumes for a scheme, or 0.
func defaultPort(scheme string) int64 {
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}
