package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An item is one document of a bulk request.
type item struct {
	index    int  // into the batch
	isRecord bool // the record of a failure, not the notification itself
	shape    int  // into shapes
}

// maxBody is the size in bytes of a bulk request with several documents. A larger
// document is sent by itself.
const maxBody = 4 << 20

// A bulkRequest is a bulk request that is being made.
type bulkRequest struct {
	body []byte
	room []byte // for the JSON of a notification
}

// makeBody makes the body of a request with as many of the first items as fit, and
// returns the number of these items.
func makeBody(batch []osprofiler.Notification, items []item) (body []byte, count int) {
	var b bulkRequest
	for i, it := range items {
		before := len(b.body)
		b.add(&batch[it.index], it)
		if len(b.body) > maxBody && i > 0 {
			return b.body[:before], i
		}
	}
	return b.body, len(items)
}

// add appends the two lines of an item. The operation create stores no document
// twice.
func (b *bulkRequest) add(n *osprofiler.Notification, it item) {
	b.room = n.AppendJSON(b.room[:0])
	text := b.room
	b.body = append(b.body, `{"create":{"_id":"`...)
	b.body = append(b.body, documentID(text)...)
	b.body = append(b.body, "\"}}\n"...)
	switch {
	case it.isRecord:
		b.body = appendRecord(b.body, n)
	case it.shape == 0:
		b.body = append(b.body, text...)
	default:
		b.body = shapes[it.shape].appendShort(b.body, n, string(text))
	}
	b.body = append(b.body, '\n')
}

// appendRecord appends the record of a failure, as Python's driver stores it.
func appendRecord(dst []byte, n *osprofiler.Notification) []byte {
	dst = append(pyjson.AppendString(append(dst, `{"base_id": `...), idTerm(n.BaseID)), `, "timestamp": `...)
	at, ok := usualTime(n.Timestamp)
	if !ok {
		return append(dst, `null}`...)
	}
	return append(pyjson.AppendString(dst, at), '}')
}

// bulk sends a bulk request to an index and returns the outcome of each item: nil
// if the document is stored.
func (c *cluster) bulk(ctx context.Context, index string, body []byte, count int) ([]*answer, error) {
	resp, err := c.do(ctx, c.bulkRequest(index, body))
	if err != nil {
		return nil, err
	}
	return c.parseBulk(resp.body, count)
}

// bulkRequest makes a bulk request. The server gives up before we do, so that it
// can say why.
func (c *cluster) bulkRequest(index string, body []byte) esapi.Request {
	timeout := c.timeout * 3 / 4
	filter := []string{"errors", "items.*.status", "items.*.error"}
	refresh := c.refresh
	if refresh == string(RefreshLater) {
		refresh = ""
	}
	var header http.Header
	if len(body) > maxBody {
		header = expectHeader.Clone()
	}
	if !c.indices.isTyped(index) {
		return esapi.BulkRequest{Index: index, Body: bytes.NewReader(body), Timeout: timeout, Refresh: refresh, FilterPath: filter, Header: header}
	}
	query := url.Values{"filter_path": {strings.Join(filter, ",")}, "timeout": {strconv.FormatInt(timeout.Milliseconds(), 10) + "ms"}}
	if refresh != "" {
		query.Set("refresh", refresh)
	}
	return request{method: http.MethodPost, path: path(index, c.docType, "_bulk"), query: query, body: body, header: header}
}

// parseBulk reads the answer to a bulk request. Its items are in the order of the
// request.
func (c *cluster) parseBulk(body []byte, count int) ([]*answer, error) {
	var whole struct {
		Items []map[string]struct {
			Status int      `json:"status"`
			Error  *failure `json:"error"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &whole); err != nil {
		return nil, c.foreign(body)
	}
	if len(whole.Items) != count {
		return nil, explained.New(errForeign, "%s answers with the results of %d documents to a bulk request with %d", c.name, len(whole.Items), count)
	}
	answers := make([]*answer, count)
	for i, results := range whole.Items {
		for _, result := range results {
			switch {
			case result.Error != nil:
				answers[i] = &answer{status: result.Status, failure: *result.Error}
			case result.Status/100 != 2:
				answers[i] = &answer{status: result.Status}
			}
		}
		if len(results) == 0 {
			answers[i] = &answer{}
		}
	}
	return answers, nil
}
