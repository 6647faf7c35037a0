package elasticsearch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An object is a JSON object of a request. Its members are written in the order
// of their names.
type object = map[string]any

// A search is one request for documents or for their aggregations.
type search struct {
	index      string // not used within a point in time
	preference string
	view       *snapshot // what is searched; nil: the index as it is now
	query      object
	size       int
	// fields are the members of _source that an answer has. nil stands for all of
	// them, and an empty list for no _source.
	fields []string
	// values are the fields whose indexed values an answer has.
	values       []string
	sort         []object
	after        []json.RawMessage // the sort values of the hit behind which to go on
	aggregations object
	versions     bool // whether hits have their sequence numbers and primary terms
	inScroll     bool // the server refuses a scroll that does not count all hits
}

// A hit is a document of an answer.
type hit struct {
	index, id string
	source    string // JSON
	values    string // JSON object: the values of each field that was asked for
	sort      []json.RawMessage
	number    int64 // the sequence number
	term      int64 // the primary term
}

// value returns the value of an indexed field. ok is false if there is none.
func (h *hit) value(field string) (text string, ok bool) {
	values, _ := pyjson.Get(h.values, field)
	for raw := range pyjson.Elements(values) {
		return pyjson.Text(raw)
	}
	return "", false
}

// A searchAnswer is the answer to a search.
type searchAnswer struct {
	hits         []hit
	aggregations string // JSON object
	scroll       string // the id of the scroll
	point        string // the id of the point in time
	bytes        int
	shards       int // how many were searched
}

// search sends a search. It fails if a shard does not answer. If there is no such
// index, nothing is found.
func (c *cluster) search(ctx context.Context, s *search) (searchAnswer, error) {
	query := url.Values{"allow_partial_search_results": {"false"}}
	if s.preference != "" {
		query.Set("preference", s.preference)
	}
	return c.sendSearch(ctx, s, query)
}

func (c *cluster) sendSearch(ctx context.Context, s *search, query url.Values) (searchAnswer, error) {
	r := request{method: http.MethodPost, path: path("_search"), query: query}
	if !s.view.isPoint() {
		r.path = path(s.index, "_search")
		query.Set("ignore_unavailable", "true")
	}
	var a searchAnswer
	var err error
	for range pointTries {
		if r.body, err = s.body(); err != nil {
			return searchAnswer{}, err
		}
		a, err = c.searchAnswer(ctx, r)
		if !s.view.isPoint() || !isStatus(err, http.StatusNotFound) {
			break
		}
		if reopened := c.reopen(ctx, s.view); reopened != nil {
			return searchAnswer{}, reopened
		}
	}
	s.view.renew(a.point)
	return a, err
}

// pointTries is how often a search is sent if the server has dropped its point in time.
const pointTries = 2

// searchAnswer sends a request whose answer has the form of a search answer.
func (c *cluster) searchAnswer(ctx context.Context, r request) (searchAnswer, error) {
	resp, err := c.doRead(ctx, r)
	if err != nil {
		if isMissingIndex(err) {
			return searchAnswer{}, nil
		}
		return searchAnswer{}, err
	}
	return c.parseSearch(resp.body)
}

// doRead sends a request that reads an index, and repeats it for a while in a state
// that passes soon. While an index is being made, the server knows it, but has no
// shard of it yet. A server that lacks memory, or has too many requests, refuses
// some.
func (c *cluster) doRead(ctx context.Context, r request) (response, error) {
	resp, err := c.do(ctx, r)
	for wait := 20 * time.Millisecond; passesSoon(err) && wait < 2*time.Second; wait *= 2 {
		select {
		case <-ctx.Done():
			return response{}, ctx.Err()
		case <-time.After(wait):
		}
		resp, err = c.do(ctx, r)
	}
	return resp, err
}

// passesSoon reports whether an error says that no copy of a shard could be
// searched, or that the server has too much to do.
func passesSoon(err error) bool {
	return isStatus(err, http.StatusTooManyRequests) || isStatus(err, http.StatusServiceUnavailable) &&
		(has(err, "search_phase_execution_exception") || has(err, "no_shard_available_action_exception"))
}

// body writes the body of a search.
func (s *search) body() ([]byte, error) {
	body := object{"size": s.size}
	if !s.inScroll {
		body["track_total_hits"] = false
	}
	if s.query != nil {
		body["query"] = s.query
	}
	switch {
	case s.fields == nil:
	case len(s.fields) == 0:
		body["_source"] = false
	default:
		body["_source"] = s.fields
	}
	if len(s.values) > 0 {
		body["docvalue_fields"] = s.values
	}
	if len(s.sort) > 0 {
		body["sort"] = s.sort
	}
	if len(s.after) > 0 {
		body["search_after"] = s.after
	}
	if s.versions {
		body["seq_no_primary_term"] = true
	}
	if len(s.aggregations) > 0 {
		body["aggs"] = s.aggregations
	}
	if s.view.isPoint() {
		body["pit"] = object{"id": s.view.current(), "keep_alive": s.view.keep}
	}
	return json.Marshal(body)
}

// parseSearch reads the answer to a search. A document may hold NaN and other
// things that are not JSON, because the server accepts them.
func (c *cluster) parseSearch(body []byte) (a searchAnswer, err error) {
	text, err := pyjson.One(string(body))
	if err != nil || pyjson.KindOf(text) != pyjson.Object {
		return a, c.foreign(body)
	}
	a.bytes = len(body)
	for name, raw := range pyjson.Members(text) {
		switch name {
		case "hits":
			list, _ := pyjson.Get(raw, "hits")
			for h := range pyjson.Elements(list) {
				a.hits = append(a.hits, parseHit(h))
			}
		case "aggregations":
			a.aggregations = raw
		case "pit_id":
			a.point, _ = pyjson.Text(raw)
		case "_scroll_id":
			a.scroll, _ = pyjson.Text(raw)
		case "_shards":
			a.shards = int(number(member(raw, "total")))
		}
	}
	return a, nil
}

func parseHit(raw string) (h hit) {
	for name, value := range pyjson.Members(raw) {
		switch name {
		case "_index":
			h.index, _ = pyjson.Text(value)
		case "_id":
			h.id, _ = pyjson.Text(value)
		case "_source":
			h.source = value
		case "fields":
			h.values = value
		case "_seq_no":
			h.number = number(value)
		case "_primary_term":
			h.term = number(value)
		case "sort":
			for v := range pyjson.Elements(value) {
				h.sort = append(h.sort, json.RawMessage(v))
			}
		}
	}
	return h
}

// member returns a raw value inside objects, empty if there is none.
func member(raw string, names ...string) string {
	for _, name := range names {
		raw, _ = pyjson.Get(raw, name)
	}
	return raw
}

// number returns the integer that a raw JSON number stands for, which the server
// may have written as 12.0.
func number(raw string) int64 {
	if i, err := strconv.ParseInt(raw, 10, 64); err == nil {
		return i
	}
	f, _ := strconv.ParseFloat(raw, 64)
	return int64(f)
}

// Queries.

func allOf(conditions ...object) object {
	conditions = slices.DeleteFunc(conditions, func(o object) bool { return o == nil })
	return object{"bool": object{"filter": conditions}}
}

func anyOf(conditions ...object) object {
	return object{"bool": object{"should": conditions, "minimum_should_match": 1}}
}

func not(condition object) object { return object{"bool": object{"must_not": condition}} }

func exists(field string) object { return object{"exists": object{"field": field}} }

func everything() object { return object{"match_all": object{}} }

func ascending(field string) object { return object{field: object{"order": "asc"}} }
