package elasticsearch

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// currentIndices returns the indices behind the name of the index of notifications,
// in the order of their names. The name may be an alias.
func (f *feed) currentIndices(ctx context.Context) (indices []*indexPosition, err error) {
	r := request{method: http.MethodGet, path: path(f.events, "_settings") + "/index.uuid,index.number_of_shards"}
	resp, err := f.do(ctx, r)
	switch {
	case isStatus(err, http.StatusForbidden):
		return f.visibleIndices(ctx)
	case isMissingIndex(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	text, err := pyjson.One(string(resp.body))
	if err != nil {
		return nil, f.foreign(resp.body)
	}
	for name, settings := range pyjson.Members(text) {
		index := member(settings, "settings", "index")
		uuid, _ := pyjson.Text(member(index, "uuid"))
		shards, _ := pyjson.Text(member(index, "number_of_shards"))
		indices = append(indices, newIndexPosition(name, uuid, number(shards)))
	}
	slices.SortFunc(indices, func(a, b *indexPosition) int { return strings.Compare(a.name, b.name) })
	return indices, nil
}

// mostShards is how many shards an index may have (index.max_number_of_shards).
const mostShards = 1024

func newIndexPosition(name, identity string, shards int64) *indexPosition {
	return &indexPosition{name: name, identity: identity, shards: make([]shardPosition, min(max(shards, 0), mostShards))}
}

// visibleIndices returns the indices that have documents, for a user who has no
// right to the settings (view_index_metadata). The names of the indices stand for their
// identities, so the feed may not notice that an index was deleted and created again.
func (f *feed) visibleIndices(ctx context.Context) (indices []*indexPosition, err error) {
	s := &search{index: f.events, fields: []string{}, aggregations: object{
		"indices": object{"terms": object{"field": "_index", "size": mostShards, "order": object{"_key": "asc"}}},
	}}
	a, err := f.search(ctx, s)
	if err != nil {
		return nil, err
	}
	for bucket := range pyjson.Elements(member(a.aggregations, "indices", "buckets")) {
		name, _ := pyjson.Text(member(bucket, "key"))
		one, err := f.search(ctx, &search{index: name, fields: []string{}})
		if err != nil {
			return nil, err
		}
		indices = append(indices, newIndexPosition(name, "name "+name, int64(one.shards)))
	}
	if len(indices) == 0 {
		// OpenSearch's security plugin answers an aggregation by _index alone with
		// nothing, instead of an error, if the user may not read the index.
		_, err = f.search(ctx, &search{index: f.events, fields: []string{}})
	}
	return indices, err
}
