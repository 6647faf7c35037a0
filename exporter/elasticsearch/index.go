package elasticsearch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// layout reads the layout of the index of notifications. It asks the server each
// time, because another program may delete the index and create it again.
func (c *cluster) layout(ctx context.Context) (layout, error) {
	return c.layoutOf(ctx, c.events)
}

func (c *cluster) layoutOf(ctx context.Context, index string) (layout, error) {
	resp, err := c.do(ctx, esapi.IndicesGetMappingRequest{Index: []string{index}})
	switch {
	case isStatus(err, http.StatusNotFound):
		return layout{missing: true}, nil
	case err != nil:
		return layout{}, err
	}
	l, err := parseLayout(resp.body)
	if err != nil {
		return layout{}, c.foreign(resp.body)
	}
	return l, nil
}

// isStatus reports whether an error is an answer with that status.
func isStatus(err error, status int) bool {
	var a *answer
	return errors.As(err, &a) && a.status == status
}

// has reports whether an error is an answer with an error of that type.
func has(err error, kind string) bool {
	var a *answer
	return errors.As(err, &a) && a.has(kind)
}

// An indexCache remembers for a while that the indices are there.
type indexCache struct {
	mu    sync.Mutex
	until time.Time
	// typed has the indices that the server creates at the first write, because
	// we may not. In Elasticsearch 7 that write names the mapping type.
	typed map[string]bool
	// added is when we last tried to add the field for originals.
	added time.Time
}

// indexTime is how long an index counts as existing without another look. The time is
// short because the server may create a deleted index again by dynamic mapping.
const indexTime = 10 * time.Second

// prepare creates the indices that are missing. If fresh is true, it does not rely on
// the cache and asks the server.
func (c *cluster) prepare(ctx context.Context, fresh bool) error {
	cache := &c.indices
	cache.mu.Lock()
	known := time.Now().Before(cache.until)
	cache.mu.Unlock()
	if known && !fresh {
		return nil
	}
	if err := c.create(ctx, c.events, eventsMapping); err != nil {
		return err
	}
	if c.filterErrorTrace {
		if err := c.create(ctx, c.errors, errorsMapping); err != nil {
			return err
		}
	}
	cache.mu.Lock()
	cache.until = time.Now().Add(indexTime)
	cache.mu.Unlock()
	return nil
}

// create creates an index if it is missing. A user who may not look or may not
// create gets no error: the index may exist, or the server may create it at the
// first write.
func (c *cluster) create(ctx context.Context, index, mapping string) error {
	l, err := c.layoutOf(ctx, index)
	switch {
	case isStatus(err, http.StatusForbidden):
		return nil
	case err != nil || !l.missing:
		return err
	}
	p, err := c.product(ctx)
	if err != nil {
		return err
	}
	var r esapi.Request = esapi.IndicesCreateRequest{Index: index, Body: strings.NewReader(`{"mappings":` + mapping + `}`)}
	if p.hasTypes() {
		r = request{
			method: http.MethodPut, path: path(index), query: url.Values{"include_type_name": {"true"}},
			body: []byte(`{"mappings":{` + quoted(c.docType) + `:` + mapping + `}}`),
		}
	}
	_, err = c.do(ctx, r)
	switch {
	case has(err, "resource_already_exists_exception"):
		return nil
	case isStatus(err, http.StatusForbidden) && !has(err, "cluster_block_exception"):
		c.indices.setTyped(index, p.hasTypes())
		return nil
	}
	return err
}

func (c *indexCache) setTyped(index string, typed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.typed == nil {
		c.typed = map[string]bool{}
	}
	c.typed[index] = typed
}

func (c *indexCache) isTyped(index string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.typed[index]
}

// addOriginal adds the field for originals to the index of notifications, which
// the Python library may have made. It ignores errors: without the field, the
// server adds one by dynamic mapping, or refuses the document, which then gets
// another shape.
func (c *cluster) addOriginal(ctx context.Context) {
	cache := &c.indices
	cache.mu.Lock()
	known := time.Since(cache.added) < indexTime
	cache.added = time.Now()
	cache.mu.Unlock()
	if known {
		return
	}
	if l, err := c.layout(ctx); err != nil || l.hasOriginal {
		return
	}
	body := `{"properties":{"` + originalKey + `":` + originalField + `}}`
	_, _ = c.do(ctx, esapi.IndicesPutMappingRequest{Index: []string{c.events}, Body: strings.NewReader(body)})
}
