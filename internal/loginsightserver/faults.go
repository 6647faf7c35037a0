package loginsightserver

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Fault makes the server fail on request.
type Fault struct {
	// Path is a part of the paths of the requests that fail. Empty stands for all.
	Path string
	// Body is a part of the bodies of the requests that fail. Empty stands for all.
	Body string
	// After is how many of these requests succeed first. Times is how many fail then: 0
	// stands for one, and a negative number for all.
	After, Times int

	// Status is the status of the answer. Text is the body of the answer. RetryAfter is
	// the header Retry-After, unless it is empty.
	Status     int
	RetryAfter string
	Location   string
	Text       string
	// CutAfter is the number of bytes of an answer after which the connection ends.
	CutAfter int
	// Hang ends the connection without an answer after this time. The request is not carried out.
	Hang time.Duration
	// LoseAnswer ends the connection without an answer. The request is carried out.
	LoseAnswer bool
	// Drop is a part of the text or of a field of the events that the server neither stores nor
	// counts, although it takes the request.
	Drop string
	// Incomplete marks the answer to a query as not complete.
	Incomplete bool
	// Truncated does the same as Incomplete, with another reason than the timeout.
	Truncated bool
}

// Inject adds a fault.
func (s *Server) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal removes all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault returns the fault of a request, or nil.
func (s *Server) fault(path string, body []byte) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		switch {
		case f.Times == 0 || !strings.Contains(path, f.Path) || !bytes.Contains(body, []byte(f.Body)):
			continue
		case f.After > 0:
			f.After--
			continue
		}
		f.Times--
		return f
	}
	return nil
}

// apply answers in place of the API. It returns false if the API should answer.
func (f *Fault) apply(ctx context.Context, w http.ResponseWriter) bool {
	switch {
	case f.Hang > 0:
		select {
		case <-time.After(f.Hang):
		case <-ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case f.Status == 0:
		return false
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Location != "" {
		w.Header().Set("Location", f.Location)
	}
	if strings.HasPrefix(f.Text, "{") {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Text)) // the client may be gone
	return true
}

// A loser ends the connection instead of answering.
type loser struct{ http.ResponseWriter }

func (l loser) WriteHeader(int) { panic(http.ErrAbortHandler) }

// A cutter ends the connection in the middle of an answer.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(text []byte) (int, error) {
	_, _ = c.ResponseWriter.Write(text[:min(c.left, len(text))])
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}

// An incomplete marks the answer to a query as incomplete.
type incomplete struct {
	http.ResponseWriter
	warning string
}

func (i *incomplete) Write(text []byte) (int, error) {
	text = bytes.Replace(text, []byte(`"complete":true`), []byte(`"complete":false,"warnings":[`+i.warning+`]`), 1)
	return i.ResponseWriter.Write(text)
}

func (i *incomplete) WriteHeader(status int) {
	i.Header().Del("Content-Length")
	i.ResponseWriter.WriteHeader(status)
}

// A Request is a request that the server got.
type Request struct {
	Secure             bool // TLS
	Method, Path, Host string
	Query              string
	Header             http.Header
	Body               string
}

// The requests that are kept, and the bytes of their bodies.
const (
	mostRequests = 10_000
	mostRecorded = 64 << 10
)

// record keeps a request.
func (s *Server) record(r *http.Request, body []byte, secure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == mostRequests { // somebody does not look at them
		s.requests = s.requests[mostRequests/2:]
	}
	if len(body) > mostRecorded {
		body = body[:mostRecorded]
	}
	s.requests = append(s.requests, Request{
		Secure: secure, Method: r.Method, Path: r.URL.EscapedPath(), Host: r.Host, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: string(body),
	})
}

// Requests returns the requests that came since the last call.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.requests)
	s.requests = nil
	return all
}

// Count returns how many requests there were whose path contains a text, since
// the last call of Requests.
func (s *Server) Count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if strings.Contains(r.Path, path) {
			n++
		}
	}
	return n
}
