package tags

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// http is what attributes of any convention say of an HTTP request.
type http struct {
	knownMethod, originalMethod text
	url, target                 text
	scheme, host, path, query   text
	hostHeader                  text
	port                        number
}

func readHTTP(attrs []attribute.KeyValue) (h http) {
	for i := range attrs {
		v := &attrs[i].Value
		switch attrs[i].Key {
		case keyMethod:
			h.knownMethod.set(v)
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
		h.knownMethod.setAs(older, v)
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

// schemeOf is the scheme that readHTTP would find.
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

// started tells whether anything is known of the request itself.
func (h *http) started() bool {
	return h.knownMethod.ok || h.originalMethod.ok || h.url.ok || h.target.ok || h.path.ok
}

func (h *http) method() string { return h.originalMethod.or(h.knownMethod).s }

// url is a URL in the parts that upstream tells. It is taken apart and put
// together without judging it: nothing is decoded or refused.
type url struct {
	scheme, host, path, query string
	port                      int64 // 0 for none
}

// splitURL takes an absolute URL apart. User information and fragment are
// dropped; the host is lower-cased and without brackets, as Python's urlparse
// gives it. A text without "://" is a path with a query.
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

// splitTarget takes a request's target apart.
func splitTarget(s string) (u url) {
	s, _, _ = strings.Cut(s, "#")
	u.path, u.query, _ = strings.Cut(s, "?")
	return u
}

// String puts the URL together; the port is left out where it is the scheme's own.
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

// defaultPort is the port that upstream assumes for a scheme; 0 for none.
func defaultPort(scheme string) int64 {
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}
