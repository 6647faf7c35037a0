package elasticsearch

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A response is the answer to a request that succeeded.
type response struct {
	status int
	body   []byte
}

// do sends a request and returns the answer. An answer that says that the request
// failed is an error with an *answer in its chain. The text of each error is one
// sentence. The error for a condition that may pass is a *store.TransientError.
func (c *cluster) do(ctx context.Context, r esapi.Request) (response, error) {
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
func (c *cluster) perform(ctx context.Context, r esapi.Request) (response, error) {
	res, err := r.Do(ctx, headers{c.client})
	if err != nil {
		return response{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := readBody(res)
	if err != nil {
		return response{}, err
	}
	if res.StatusCode/100 != 2 {
		return response{}, parseAnswer(res, body)
	}
	return response{status: res.StatusCode, body: body}, nil
}

// largestRoom is the largest buffer, in bytes, that is allocated at once for an answer.
const largestRoom = 16 << 20

// readBody reads an answer. It allocates the buffer for the whole answer at once if
// the server says how long the answer is.
func readBody(res *esapi.Response) ([]byte, error) {
	var body bytes.Buffer
	if size, err := strconv.Atoi(res.Header.Get("Content-Length")); err == nil && size > 0 {
		body.Grow(min(size, largestRoom) + bytes.MinRead)
	}
	_, err := body.ReadFrom(res.Body)
	return body.Bytes(), err
}

// headers adds to the requests of esapi the headers that esapi does not set.
type headers struct{ Client }

// expectHeader is the header that lets a server refuse the size of a request before
// the server gets the body.
var expectHeader = http.Header{"Expect": {"100-continue"}}

// Perform implements Client.
func (h headers) Perform(req *http.Request) (*http.Response, error) {
	req.Header.Set("Accept", "application/json")
	if req.Header.Get("Expect") != "" {
		req.Close = true // otherwise net/http sends the body after the answer, to use the connection again
	}
	return h.Client.Perform(req)
}

// A request is a request that esapi does not have, or one that may be sent again:
// one with a mapping type of Elasticsearch 7, one that only OpenSearch knows, or a
// search.
type request struct {
	method string
	path   string // from path
	query  url.Values
	header http.Header
	body   []byte // JSON; nil for none
}

// path joins the parts of the path of a request and escapes them.
func path(parts ...string) string {
	var p string
	for _, part := range parts {
		p += "/" + url.PathEscape(part)
	}
	return p
}

// Do implements esapi.Request. The transport sets the host.
func (r request) Do(ctx context.Context, transport esapi.Transport) (*esapi.Response, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+r.path, body)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = r.query.Encode()
	for key, values := range r.header {
		req.Header[key] = values
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := transport.Perform(req) //nolint:bodyclose // perform closes it
	if err != nil {
		return nil, err
	}
	return &esapi.Response{StatusCode: res.StatusCode, Header: res.Header, Body: res.Body}, nil
}
