package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

const (
	// tracesDeleted is how many traces are searched for and deleted together.
	tracesDeleted = 100
	// documentsDeleted is how many documents one request deletes.
	documentsDeleted = 2000
)

// Delete implements driver.Deleter. It searches for the documents of the trace and
// deletes them by their ids, because not every server can delete by a query. It
// also deletes the records of the trace in the index of failed traces.
func (c *cluster) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	d := newDeletion(c, []string{baseID})
	err = d.run(ctx)
	return d.results[0].Notifications, err
}

// DeleteTraces implements driver.BulkDeleter.
func (c *cluster) DeleteTraces(ctx context.Context, baseIDs []string) (deletions []driver.Deletion, err error) {
	for chunk := range slices.Chunk(baseIDs, tracesDeleted) {
		d := newDeletion(c, chunk)
		err := d.run(ctx)
		deletions = append(deletions, d.results...)
		if err != nil {
			return append(deletions, make([]driver.Deletion, len(baseIDs)-len(deletions))...), err
		}
	}
	return deletions, nil
}

// A deletion deletes some traces together.
type deletion struct {
	*cluster

	baseIDs []string
	traces  map[string]int // base id to the index into results
	results []driver.Deletion
	pending []deletable
}

// A deletable is a document that is to be deleted.
type deletable struct {
	index, id string
	trace     int // -1 for a record of a failure, which is not counted
}

func newDeletion(c *cluster, baseIDs []string) *deletion {
	d := &deletion{cluster: c, baseIDs: baseIDs, traces: map[string]int{}, results: make([]driver.Deletion, len(baseIDs))}
	for i, id := range baseIDs {
		d.traces[id] = i
	}
	return d
}

func (d *deletion) run(ctx context.Context) error {
	l, err := d.layout(ctx)
	if err != nil {
		return err
	}
	records, err := d.layoutOf(ctx, d.errors)
	switch {
	case isStatus(err, http.StatusForbidden):
		records.missing = true // the user has no right to this index
	case err != nil:
		return err
	}
	if err := d.gather(ctx, d.errors, &records, true); err != nil {
		return err
	}
	if err := d.gather(ctx, d.events, &l, false); err != nil {
		return err
	}
	return d.flush(ctx, true)
}

// gather finds the documents of the traces in an index. It deletes most of them and
// leaves the rest to the last request.
func (d *deletion) gather(ctx context.Context, index string, l *layout, areRecords bool) error {
	if l.missing {
		return nil
	}
	if err := d.refreshIndex(ctx, index); err != nil {
		return err
	}
	s := search{index: index, query: l.inTraces(d.baseIDs...), fields: []string{baseIDKey, originalKey, spareKey}}
	for hits, err := range d.pages(ctx, s, d.pager()) {
		if err != nil {
			return err
		}
		for i := range hits {
			if trace, ok := d.traceOf(&hits[i], areRecords); ok {
				if areRecords {
					trace = -1
				}
				d.pending = append(d.pending, deletable{hits[i].index, hits[i].id, trace})
			}
		}
		for len(d.pending) > documentsDeleted {
			if err := d.flush(ctx, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// traceOf returns the trace of a document. A record has the text by which an index
// finds the id.
func (d *deletion) traceOf(h *hit, isRecord bool) (trace int, ok bool) {
	n, err := decodeDocument([]byte(h.source))
	if err != nil {
		return 0, false
	}
	if trace, ok = d.traces[driver.Text(n.BaseID)]; ok || !isRecord {
		return trace, ok
	}
	for id, trace := range d.traces {
		if idTerm(id) == n.BaseID {
			return trace, true
		}
	}
	return 0, false
}

// refreshIndex makes all documents visible that were written so far. A user who has
// no right to do so deletes those that are visible.
func (d *deletion) refreshIndex(ctx context.Context, index string) error {
	_, err := d.do(ctx, esapi.IndicesRefreshRequest{Index: []string{index}})
	if isStatus(err, http.StatusForbidden) && !has(err, "cluster_block_exception") || isMissingIndex(err) {
		return nil
	}
	return err
}

// flush deletes a part of the pending documents. The last request of a deletion makes
// the deletions visible.
func (d *deletion) flush(ctx context.Context, isLast bool) error {
	for {
		part := d.pending[:min(len(d.pending), documentsDeleted)]
		if len(part) == 0 {
			return nil
		}
		if err := d.deleteDocuments(ctx, part, isLast && len(part) == len(d.pending)); err != nil {
			return err
		}
		d.pending = d.pending[len(part):]
		if !isLast {
			return nil
		}
	}
}

func (d *deletion) deleteDocuments(ctx context.Context, documents []deletable, refresh bool) error {
	var body []byte
	for _, doc := range documents {
		line, err := json.Marshal(object{"delete": object{"_index": doc.index, "_id": doc.id}})
		if err != nil {
			return err
		}
		body = append(append(body, line...), '\n')
	}
	r := esapi.BulkRequest{Body: bytes.NewReader(body), FilterPath: []string{"errors", "items.*.status", "items.*.error"}}
	if refresh {
		r.Refresh = "true"
	}
	resp, err := d.do(ctx, r)
	if err != nil {
		return err
	}
	answers, err := d.parseBulk(resp.body, len(documents))
	if err != nil {
		return err
	}
	var failed *answer
	for i, a := range answers {
		switch {
		case a != nil && a.status != http.StatusNotFound: // another program may have deleted it
			failed = a
		case a == nil && documents[i].trace >= 0:
			d.results[documents[i].trace].Notifications++
		}
	}
	return d.refusedDelete(ctx, failed)
}

// refusedDelete explains why a document was not deleted.
func (d *deletion) refusedDelete(ctx context.Context, a *answer) error {
	if a == nil {
		return nil
	}
	err := d.explain(ctx, a)
	if a.class().IsTransient() {
		return &store.TransientError{Err: err}
	}
	return err
}

var _ driver.BulkDeleter = (*cluster)(nil)
