package loginsight

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// A request is a request to the API.
type request struct {
	method, path string
	query        string
	plain        bool // by HTTP
	session      string
	body         []byte
	timeout      time.Duration
	// read reads the answer to a request that succeeded.
	read func(body io.Reader) error
}

// do sends a request. Its error is not explained.
func (c *Client) do(ctx context.Context, r request) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		return c.parseError(res, req.Header.Get(sessionHeader))
	}
	if err := r.read(res.Body); err != nil {
		var foreign *foreignError
		if errors.As(err, &foreign) {
			foreign.text = shortText(c.hide(foreign.text[:min(len(foreign.text), smallBody)], r.session))
		}
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, smallBody)) // so that the connection can be used again
	return err
}

// newRequest makes a request as Python's driver does, with two differences: a GET
// has no body, and the session is in the header of the API's reference, too.
func (c *Client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	address := c.url(r.plain, r.path)
	if r.query != "" {
		address += "?" + r.query
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, err
	}
	if r.body != nil {
		text := r.body
		req.ContentLength = int64(len(text))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if r.session != "" && !r.plain {
		req.Header.Set(sessionHeader, r.session)
		req.Header.Set("Authorization", "Bearer "+r.session)
	}
	return req, nil
}

// sessionHeader is the header in which Python's driver sends the session.
const sessionHeader = "X-Li-Session-Id"

// smallBody is how many bytes are read of an answer that should be small.
const smallBody = 64 << 10

// An APIError is an answer of the server that says that a request failed.
type APIError struct {
	// Status is the HTTP status. 440 stands for a session that has expired.
	Status int
	// Message is the errorMessage of the answer, or its text.
	Message string
	// Code is the errorCode of the answer, if it has one.
	Code string
	// RetryAfter is how long the server asks to wait. 0 if it does not ask.
	RetryAfter time.Duration

	isForeign  bool // the answer is not JSON, like the answer of a proxy
	hadSession bool // the request had a session
}

// StatusLoginTimeout is the HTTP status for a session that has expired.
const StatusLoginTimeout = 440

// Error returns the status and the message.
func (e *APIError) Error() string {
	text := strconv.Itoa(e.Status)
	switch name := http.StatusText(e.Status); {
	case e.Status == StatusLoginTimeout:
		text += " Login Timeout"
	case name != "":
		text += " " + name
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// parseError reads the answer to a request that failed. It hides secrets before it cuts
// texts, so that no part of a secret is left.
func (c *Client) parseError(res *http.Response, session string) *APIError {
	e := &APIError{Status: res.StatusCode, hadSession: session != ""}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, 3600)) * time.Second
	}
	text, _ := io.ReadAll(io.LimitReader(res.Body, smallBody)) // the text that was read says more than the error
	var answer struct {
		Message any `json:"errorMessage"`
		Code    any `json:"errorCode"`
	}
	if json.Unmarshal(text, &answer) == nil {
		message, _ := answer.Message.(string)
		code, _ := answer.Code.(string)
		e.Message, e.Code = shortText(c.hide(message, session)), shortText(c.hide(code, session))
		return e
	}
	e.isForeign = true
	if !strings.Contains(res.Header.Get("Content-Type"), "html") {
		e.Message = shortText(c.hide(string(text), session))
	}
	return e
}

// shortText returns the beginning of a text, on one line.
func shortText(text string) string {
	const most = 300
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return neterr.OneLine(text)
}

// hasStatus reports whether an error is an answer with one of the statuses.
func hasStatus(err error, statuses ...int) bool {
	var e *APIError
	if !errors.As(err, &e) {
		return false
	}
	for _, status := range statuses {
		if e.Status == status {
			return true
		}
	}
	return false
}

// readJSON returns a function that reads a small answer.
func readJSON(v any) func(io.Reader) error {
	return func(body io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(body, smallBody))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, v); err != nil {
			return &foreignError{text: string(text)}
		}
		return nil
	}
}

// A foreignError is an answer that no Log Insight server gives. Client.do hides the
// secrets in its text and cuts it.
type foreignError struct{ text string }

func (e *foreignError) Error() string { return "no answer of Log Insight: " + strconv.Quote(e.text) }

// The pauses before a request is repeated that the server was too busy to answer.
const (
	busyTries    = 4
	busyPause    = 500 * time.Millisecond
	longestPause = 10 * time.Second
)

// patiently calls f again while the server says that it is busy. Without the
// header Retry-After it does so only if always is set.
func patiently(ctx context.Context, always bool, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		var e *APIError
		if try == busyTries || !errors.As(err, &e) || e.Status != http.StatusTooManyRequests && e.Status != http.StatusServiceUnavailable {
			return err
		}
		pause := min(e.RetryAfter, longestPause)
		if pause == 0 && !always {
			return err
		}
		if pause == 0 {
			pause = busyPause << (try - 1)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}
