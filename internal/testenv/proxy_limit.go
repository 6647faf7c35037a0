package testenv

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// LimitRequests resets each connection whose client sends more than this number
// of bytes without an answer of the server in between. Some servers and proxies
// limit the size of a request in this way, without an error message. A negative
// number ends the limit.
func (p *Proxy) LimitRequests(bytes int64) { p.requestLimit.Store(bytes) }

// A requestLimiter applies LimitRequests to a connection.
type requestLimiter struct {
	limit          *atomic.Int64
	client, server net.Conn
	cut            func()
	sent           atomic.Int64 // bytes from the client since the last answer
}

var errRequestTooLarge = errors.New("the request is larger than the limit of the proxy")

// requests returns a reader of the client's bytes.
func (l *requestLimiter) requests(source io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := source.Read(p)
		if limit := l.limit.Load(); l.sent.Add(int64(n)) > limit && limit >= 0 {
			l.cut()
			reset(l.client)
			reset(l.server)
			return 0, errRequestTooLarge
		}
		return n, err
	})
}

// answers returns a reader of the server's bytes.
func (l *requestLimiter) answers(source io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := source.Read(p)
		l.sent.Store(0)
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
