package elasticsearch

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// A product says which server answers. The zero product stands for a server that does
// not say which product it is.
type product struct {
	kind    productKind
	version string // such as "8.19.4"
	major   int
}

// A productKind is Elasticsearch or OpenSearch.
type productKind int

const (
	unknownProduct productKind = iota
	elasticsearch
	openSearch
)

// String returns the product and its version.
func (p product) String() string {
	switch p.kind {
	case elasticsearch:
		return "Elasticsearch " + p.version
	case openSearch:
		return "OpenSearch " + p.version
	default:
		return "Elasticsearch or OpenSearch"
	}
}

// hasTypes reports whether an index has a mapping type.
func (p product) hasTypes() bool { return p.kind == elasticsearch && p.major <= 7 }

// product returns the product. It asks the server once. If the server forbids the
// question, the product is unknown, and the next call asks again, because a proxy may
// have answered or the user may get the right.
func (c *cluster) product(ctx context.Context) (product, error) {
	c.products.mu.Lock()
	known := c.products.known
	c.products.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	resp, err := c.do(ctx, esapi.InfoRequest{})
	switch {
	case isStatus(err, http.StatusForbidden), isStatus(err, http.StatusNotFound), isStatus(err, http.StatusMethodNotAllowed):
		return product{}, nil
	case err != nil:
		return product{}, err
	}
	p, err := c.parseProduct(resp.body)
	if err != nil {
		return product{}, err
	}
	c.products.mu.Lock()
	c.products.known = &p
	c.products.mu.Unlock()
	return p, nil
}

// parseProduct reads the answer to GET /.
func (c *cluster) parseProduct(body []byte) (product, error) {
	var root struct {
		Version struct {
			Number       string `json:"number"`
			Distribution string `json:"distribution"`
		} `json:"version"`
	}
	if err := json.Unmarshal(body, &root); err != nil || root.Version.Number == "" {
		return product{}, c.foreign(body)
	}
	p := product{kind: elasticsearch, version: root.Version.Number}
	if strings.EqualFold(root.Version.Distribution, "opensearch") {
		p.kind = openSearch
	}
	major, _, _ := strings.Cut(p.version, ".")
	p.major, _ = strconv.Atoi(major) // 0 if it is not a number
	return p, nil
}

// A productCache remembers the product.
type productCache struct {
	mu    sync.Mutex
	known *product
}
