package testenv

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// LimitRequests resets each connection whose client sends more bytes than this
// without an answer of the server in between, as servers and proxies do that
// limit the size of a request without a word. A negative number ends it.
func (p *Proxy) LimitRequests(bytes int64) { p.requestLimit.Store(bytes) }

// limited are the two directions of a connection under LimitRequests.
type limited struct {
	limit          *atomic.Int64
	client, server net.Conn
	sent           atomic.Int64 // by the client since the last answer
}

var errRequestTooLarge = errors.New("the request is larger than the proxy takes")

// requests reads what the client sends.
func (l *limited) requests(source io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := source.Read(p)
		if limit := l.limit.Load(); l.sent.Add(int64(n)) > limit && limit >= 0 {
			reset(l.client)
			reset(l.server)
			return 0, errRequestTooLarge
		}
		return n, err
	})
}

// answers reads what the server sends.
func (l *limited) answers(source io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := source.Read(p)
		l.sent.Store(0)
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
