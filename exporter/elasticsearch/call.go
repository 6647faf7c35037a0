package elasticsearch

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A request is a request of the REST API.
type request struct {
	method string
	path   string // from path
	query  url.Values
	body   []byte // JSON; nil for none
	// lines says that the body has one JSON value a line, as a bulk request has.
	lines bool
	// large says that the server may refuse the body for its size.
	large bool
}

// A response is the answer to a request that succeeded.
type response struct {
	status int
	body   []byte
}

// path joins the parts of the path of a request and escapes them.
func path(parts ...string) string {
	var p string
	for _, part := range parts {
		p += "/" + url.PathEscape(part)
	}
	return p
}

// do sends a request and returns the answer. An answer that says that the request
// failed is an error with an *answer in its chain. Each error has one sentence
// for its text. An error that may pass is a *store.TransientError.
func (c *cluster) do(ctx context.Context, r request) (response, error) {
	waiting, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, err := c.perform(waiting, r)
	if err == nil {
		return resp, nil
	}
	explained := c.explain(ctx, err)
	if ctx.Err() == nil && classOf(err).IsTransient() {
		explained = &store.TransientError{Err: explained}
	}
	return resp, explained
}

// perform sends a request. Its error is not explained.
func (c *cluster) perform(ctx context.Context, r request) (response, error) {
	req, err := r.http(ctx)
	if err != nil {
		return response{}, err
	}
	res, err := c.client.Perform(req)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return response{}, err
	}
	if res.StatusCode/100 != 2 {
		return response{}, parseAnswer(res, body)
	}
	return response{status: res.StatusCode, body: body}, nil
}

// http makes the request for the client, which sets the host.
func (r *request) http(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body) // NewRequest sets GetBody for it, so that the client can repeat the request
	}
	req, err := http.NewRequestWithContext(ctx, r.method, "http://localhost"+r.path, body)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = r.query.Encode()
	req.Header.Set("Accept", "application/json")
	switch {
	case r.lines:
		req.Header.Set("Content-Type", "application/x-ndjson")
	case r.body != nil:
		req.Header.Set("Content-Type", "application/json")
	}
	if r.large { // so that a server that refuses the size says so before it gets the body
		req.Header.Set("Expect", "100-continue")
		req.Close = true // otherwise the body is sent after the answer, to use the connection again
	}
	return req, nil
}
