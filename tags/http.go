package tags

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// http is what attributes of any convention say of an HTTP request, newer
// names before older ones.
type http struct {
	knownMethod, originalMethod text
	url, target                 text
	scheme, host, path, query   text
	hostHeader                  text
	port, status                number
}

func readHTTP(attrs []attribute.KeyValue) http {
	var h, old, peer http
	for i := range attrs {
		v := attrs[i].Value
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
		case keyStatusCode:
			h.status.set(v)
		case oldMethod:
			old.knownMethod.set(v)
		case oldURL:
			old.url.set(v)
		case oldTarget:
			h.target.set(v)
		case oldScheme:
			old.scheme.set(v)
		case oldPath:
			old.path.set(v)
		case oldQuery:
			old.query.set(v)
		case oldHostname:
			old.host.set(v)
		case oldPort:
			old.port.set(v)
		case oldStatusCode:
			old.status.set(v)
		case pythonStatusCode:
			peer.status.set(v)
		case oldHost:
			h.hostHeader.set(v)
		case oldPeerName:
			peer.host.set(v)
		case oldPeerPort:
			peer.port.set(v)
		}
	}
	return h.or(&old).or(&peer)
}

func (h http) or(older *http) http {
	h.knownMethod = h.knownMethod.or(older.knownMethod)
	h.url = h.url.or(older.url)
	h.scheme = h.scheme.or(older.scheme)
	h.host = h.host.or(older.host)
	h.path = h.path.or(older.path)
	h.query = h.query.or(older.query)
	h.port = h.port.or(older.port)
	h.status = h.status.or(older.status)
	return h
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
