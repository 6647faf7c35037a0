package otlpreceiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// bodySize returns the memory to reserve for a body before it is read.
func (r *Receiver) bodySize(req *http.Request) int {
	if isGzip(req) || req.ContentLength < 0 {
		return r.maxMessage
	}
	return int(req.ContentLength)
}

func isGzip(req *http.Request) bool {
	return strings.EqualFold(req.Header.Get("Content-Encoding"), "gzip")
}

// read reads and decompresses the body of a request. It bounds the compressed and the
// decompressed size, and the time. Memory for the body is reserved when its first part has
// arrived.
func (a *admission) read(ctx context.Context, w http.ResponseWriter, req *http.Request) ([]byte, *failure) {
	r := a.receiver
	reader := &bodyReader{admission: a, receiver: r, control: http.NewResponseController(w), gzip: isGzip(req)}
	reader.limited = &countingReader{http.MaxBytesReader(w, req.Body, int64(r.maxMessage)), &reader.received}
	first := int64(min(firstPart, max(r.maxMemory/firstParts/r.maxRequests, bytes.MinRead)))
	buffer := &bytes.Buffer{}
	if size := req.ContentLength; size > 0 && !isGzip(req) {
		buffer.Grow(int(min(size, first)) + bytes.MinRead)
	}
	more, f := reader.read(buffer, first)
	if f == nil && more {
		f = a.readRest(ctx, req, reader, buffer)
	}
	if f == nil && buffer.Len() > r.maxMessage {
		f = tooLarge(r.maxMessage)
	}
	return buffer.Bytes(), f
}

// readRest reserves memory for the body, and reads the part after the first one.
func (a *admission) readRest(ctx context.Context, req *http.Request, reader *bodyReader, buffer *bytes.Buffer) *failure {
	_ = reader.control.SetReadDeadline(time.Time{})
	size := a.receiver.bodySize(req)
	if f := a.reserve(ctx, size); f != nil {
		return f
	}
	if req.ContentLength > 0 && !isGzip(req) {
		buffer.Grow(max(size-buffer.Len(), 0) + bytes.MinRead)
	}
	_, f := reader.read(buffer, int64(a.receiver.maxMessage)+1-int64(buffer.Len()))
	return f
}

// A bodyReader reads a body in parts.
type bodyReader struct {
	admission *admission
	receiver  *Receiver
	control   *http.ResponseController
	limited   io.Reader // as the client sends it
	gzip      bool
	reader    io.Reader // decompressed; nil before the first read
	time      time.Duration
	received  atomic.Int64 // bytes as the client sends them
}

// A countingReader adds the number of bytes read to a counter.
type countingReader struct {
	io.Reader
	count *atomic.Int64
}

// Read implements io.Reader.
func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.count.Add(int64(n))
	return n, err
}

// read reads a part. more is true if the part is full. The limit of osp_read_timeout applies
// to the time of all parts together, without the time between them.
func (b *bodyReader) read(buffer *bytes.Buffer, part int64) (more bool, f *failure) {
	began := time.Now()
	defer func() { b.time += time.Since(began) }()
	_ = b.control.SetReadDeadline(began.Add(b.receiver.readTimeout - b.time))
	var ended atomic.Bool
	defer b.admission.hurry(b.received.Load, func() {
		ended.Store(true)
		_ = b.control.SetReadDeadline(time.Now())
	})()
	n, err := b.copy(buffer, part)
	switch {
	case err != nil && ended.Load():
		return false, hurried()
	case err != nil:
		return false, b.failure(err)
	}
	return n == part, nil
}

func (b *bodyReader) copy(buffer *bytes.Buffer, part int64) (n int64, err error) {
	if b.reader == nil {
		b.reader = b.limited
		if b.gzip {
			if b.reader, err = gzip.NewReader(b.limited); err != nil {
				b.reader = nil
				return 0, err
			}
		}
	}
	return buffer.ReadFrom(io.LimitReader(b.reader, part))
}

// failure returns the reason why a body cannot be read.
func (b *bodyReader) failure(err error) *failure {
	var limit *http.MaxBytesError
	ends := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case errors.As(err, &limit):
		return tooLarge(b.receiver.maxMessage)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return slow(b.receiver.readTimeout)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), ends && b.gzip && b.reader == nil:
		return malformed("the body is not gzip, although Content-Encoding says so")
	case ends && b.gzip:
		return malformed("the body cannot be read: its gzip form, or the connection, ended too early")
	case ends:
		return malformed("the body cannot be read: the connection ended before the body was complete")
	}
	return malformed("the body cannot be read: %v", err)
}
