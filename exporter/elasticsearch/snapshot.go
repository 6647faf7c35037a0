package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A snapshot is the state of an index at one time: a point in time of the server.
type snapshot struct {
	index string
	keep  string // how long the server keeps it

	mu sync.Mutex
	id string // empty if there is no point in time
}

// isPoint reports whether a search is to be made in the snapshot.
func (s *snapshot) isPoint() bool { return s.current() != "" }

// current returns the id of the point in time.
func (s *snapshot) current() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// renew takes the id that the server gave with an answer.
func (s *snapshot) renew(id string) {
	if s != nil && id != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.id = id
	}
}

// snapshot opens a point in time. If the server or the rights of the user do not allow
// a point in time, the returned snapshot has none, and searches see the index as it is.
// release frees the point in time, also if ctx has ended.
func (c *cluster) snapshot(ctx context.Context, index string) (s *snapshot, release func(), err error) {
	p, err := c.product(ctx)
	if err != nil {
		return nil, nil, err
	}
	s = &snapshot{index: index, keep: c.scrollTime}
	if s.id, err = c.openPoint(ctx, p, s); err != nil {
		return nil, nil, err
	}
	if s.id == "" {
		return s, func() {}, nil
	}
	closing := request{method: http.MethodDelete, path: path("_pit")}
	if p.kind == openSearch {
		closing.path = path("_search", "point_in_time")
	}
	return s, func() { c.release(ctx, closing, closingBody(p, s.current())) }, nil
}

// reopen opens a new point in time if the server has given the old one up, because
// the caller took longer than es_scroll_time for what it read. A read then goes on
// behind the last document, in a later state of the index.
func (c *cluster) reopen(ctx context.Context, s *snapshot) error {
	p, err := c.product(ctx)
	if err != nil {
		return err
	}
	id, err := c.openPoint(ctx, p, s)
	s.renew(id)
	return err
}

// openPoint opens a point in time and returns its id, which is empty if there can be
// none.
func (c *cluster) openPoint(ctx context.Context, p product, s *snapshot) (id string, err error) {
	r := request{method: http.MethodPost, path: path(s.index, "_pit"), query: url.Values{"keep_alive": {s.keep}}}
	idName := "id"
	if p.kind == openSearch {
		r.path, idName = path(s.index, "_search", "point_in_time"), "pit_id"
	} else {
		r.query.Set("ignore_unavailable", "true")
	}
	// The end of the context does not end the request, because the server may then
	// keep a point in time of which we do not know.
	resp, err := c.doRead(context.WithoutCancel(ctx), r)
	switch {
	case err == nil:
		id, _ = pyjson.Text(member(string(resp.body), idName))
	case !lacksFeature(err) && !isMissingIndex(err):
		return "", err
	}
	return id, nil
}

func closingBody(p product, id string) object {
	if p.kind == openSearch {
		return object{"pit_id": []string{id}}
	}
	return object{"id": id}
}

// releaseTime is how long to wait until the server has freed a point in time or a
// scroll. The server frees either by itself when its keep-alive time is over.
const releaseTime = 5 * time.Second

// release frees something that the server keeps.
func (c *cluster) release(ctx context.Context, r request, body object) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	r.body, _ = json.Marshal(body) // of texts
	_, _ = c.do(ctx, r)            // the server frees it later by itself
}

// isMissingIndex reports whether an error says that there is no such index.
func isMissingIndex(err error) bool {
	var a *answer
	return errors.As(err, &a) && a.has("index_not_found_exception")
}

// lacksFeature reports whether an error says that the server does not know a
// request, or that the user has no right to it.
func lacksFeature(err error) bool {
	var a *answer
	if !errors.As(err, &a) {
		return false
	}
	switch a.status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	case http.StatusNotFound:
		return !isMissingIndex(err)
	}
	return false
}
