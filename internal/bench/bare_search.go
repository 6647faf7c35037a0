package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// bareSearch speaks the REST API of Elasticsearch and OpenSearch by net/http.
type bareSearch struct {
	http  *http.Client
	base  url.URL // of the server, with the user
	index string
}

// pageSize is the number of documents or buckets of a page. A server returns no more.
const pageSize = 10_000

func openSearch(_ context.Context, connectionString string) (bare, error) {
	u, err := url.Parse(connectionString)
	if err != nil {
		return nil, err
	}
	b := &bareSearch{base: url.URL{Scheme: "http", User: u.User, Host: u.Host}, index: u.Query().Get("index_name")}
	// The answers are not compressed, because the server is near.
	transport := &http.Transport{DisableCompression: true}
	if strings.HasSuffix(u.Scheme, "+https") {
		b.base.Scheme = "https"
		pem, err := os.ReadFile(u.Query().Get("ca_certs"))
		if err != nil {
			return nil, err
		}
		authorities := x509.NewCertPool()
		authorities.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	}
	b.http = &http.Client{Transport: transport}
	return b, nil
}

func (b *bareSearch) close() error {
	b.http.CloseIdleConnections()
	return nil
}

// do sends a request, and decodes the answer into a value unless the value is nil.
func (b *bareSearch) do(ctx context.Context, method, path, query string, body []byte, into any) error {
	u := b.base
	u.Path, u.RawQuery = path, query
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(path, "/_bulk") {
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	res, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // the body is read to its end
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %.500s", method, path, res.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// A searchHit is a document.
type searchHit struct {
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
}

type searchHits []searchHit

func (h searchHits) notifications() int { return len(h) }

func (h searchHits) records() (all []record) {
	for _, hit := range h {
		all = append(all, record{hit.ID, string(hit.Source)})
	}
	return all
}

// A searchPage is the answer to a search or a scroll.
type searchPage struct {
	Scroll string `json:"_scroll_id"`
	Hits   struct {
		Hits searchHits `json:"hits"`
	} `json:"hits"`
}

func (b *bareSearch) fetch(ctx context.Context, baseID string) (_ stored, err error) {
	var page searchPage
	query := fmt.Appendf(nil, `{"size":%d,"sort":["_doc"],"query":{"term":{"base_id":%q}}}`, pageSize, baseID)
	if err := b.do(ctx, http.MethodPost, "/"+b.index+"/_search", "scroll=1m", query, &page); err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, b.do(ctx, http.MethodDelete, "/_search/scroll", "", fmt.Appendf(nil, `{"scroll_id":%q}`, page.Scroll), nil))
	}()
	all := page.Hits.Hits
	for len(page.Hits.Hits) == pageSize {
		more := fmt.Appendf(nil, `{"scroll":"1m","scroll_id":%q}`, page.Scroll)
		page.Hits.Hits = nil
		if err := b.do(ctx, http.MethodPost, "/_search/scroll", "", more, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Hits.Hits...)
	}
	return all, nil
}

func (b *bareSearch) write(ctx context.Context, records []record) error {
	var body bytes.Buffer
	for _, r := range records {
		fmt.Fprintf(&body, `{"create":{"_id":"%s"}}`+"\n%s\n", r...)
	}
	var answer struct {
		Errors bool              `json:"errors"`
		Items  []json.RawMessage `json:"items"`
	}
	err := b.do(ctx, http.MethodPost, "/"+b.index+"/_bulk", "filter_path=errors,items.*.error", body.Bytes(), &answer)
	if err == nil && answer.Errors {
		err = fmt.Errorf("the server refused documents: %.500s", slices.Concat(answer.Items...))
	}
	return err
}

// A group is a bucket of a composite aggregation.
type group struct {
	Key struct {
		BaseID    string `json:"base_id"`
		Timestamp string `json:"timestamp"`
	} `json:"key"`
}

// list groups the events by trace and time, because a server does not compute the least
// of texts.
func (b *bareSearch) list(ctx context.Context, traces, limit int) error {
	began, after := map[string]string{}, ""
	for {
		body := fmt.Appendf(nil, `{"size":0,"track_total_hits":false,"aggs":{"groups":{"composite":{"size":%d,%s`+
			`"sources":[{"base_id":{"terms":{"field":"base_id"}}},{"timestamp":{"terms":{"field":"timestamp"}}}]}}}}`, pageSize, after)
		var page struct {
			Aggregations struct {
				Groups struct {
					After   json.RawMessage `json:"after_key"`
					Buckets []group         `json:"buckets"`
				} `json:"groups"`
			} `json:"aggregations"`
		}
		if err := b.do(ctx, http.MethodPost, "/"+b.index+"/_search", "filter_path=aggregations.groups.after_key,aggregations.groups.buckets.key", body, &page); err != nil {
			return err
		}
		groups := page.Aggregations.Groups
		for _, g := range groups.Buckets {
			if began[g.Key.BaseID] == "" { // the first is the least
				began[g.Key.BaseID] = g.Key.Timestamp
			}
		}
		if len(groups.Buckets) < pageSize {
			break
		}
		after = `"after":` + string(groups.After) + `,`
	}
	return came(len(newestOf(began, limit)), listedOf(traces, limit))
}

// newestOf returns the base ids of the traces that began last, given the times at which
// the traces began.
func newestOf(began map[string]string, limit int) (ids []string) {
	for id := range began {
		ids = append(ids, id)
	}
	if limit > 0 {
		slices.SortFunc(ids, func(a, b string) int { return strings.Compare(began[b], began[a]) })
		ids = ids[:min(limit, len(ids))]
	}
	return ids
}

// withKey sets the id of the document. Our store uses a hash of the source as the id.
func (b *bareSearch) withKey(r record) (record, error) { //nolint:unparam // a method of bare
	sum := sha256.Sum256([]byte(r[1].(string)))
	r[0] = hex.EncodeToString(sum[:16])
	return r, nil
}

func (b *bareSearch) refresh(ctx context.Context) error {
	return b.do(ctx, http.MethodPost, "/"+b.index+"/_refresh", "", nil, nil)
}

// writeBulk runs write while the index does not refresh itself.
func (b *bareSearch) writeBulk(ctx context.Context, write func() error) error {
	set := func(interval string) error {
		return b.do(ctx, http.MethodPut, "/"+b.index+"/_settings", "", []byte(`{"index":{"refresh_interval":`+interval+`}}`), nil)
	}
	if err := set(`"-1"`); err != nil {
		return err
	}
	err := write()
	return errors.Join(err, set("null"))
}
