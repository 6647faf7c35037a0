package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// etypeField is the path of the member that says that an event failed.
const etypeField = infoKey + "." + etypeKey

// summaryFields are the members of a document that a summary needs.
var summaryFields = []string{nameKey, baseIDKey, traceIDKey, parentIDKey, timestampKey, projectKey, serviceKey, etypeField, originalKey, spareKey}

// documents yields the members that a summary needs of the documents that a query
// finds.
func (l *listing) documents(ctx context.Context, query object) iter.Seq2[[]hit, error] {
	s := search{index: l.events, view: l.view, query: query, fields: summaryFields}
	if l.baseID != "" {
		s.values = []string{l.baseID}
	}
	return paging.Ahead(ctx, func(ctx context.Context) iter.Seq2[[]hit, error] { return l.pages(ctx, s, l.sizes) })
}

// A reading is the summary of a trace whose documents are read.
type reading struct {
	driver.Summarizer

	first hit // without its source
}

// read makes the summaries of traces by reading the documents that a query finds.
// It holds eight bytes for each operation in memory.
func (l *listing) read(ctx context.Context, query object) (traces []*trace, err error) {
	readings := map[string]*reading{}
	var order []*reading
	for hits, err := range l.documents(ctx, query) {
		if err != nil {
			return nil, err
		}
		for i := range hits {
			n, err := hits[i].notification("")
			if err != nil {
				l.damages = append(l.damages, err)
				continue
			}
			id := driver.Text(n.BaseID)
			r := readings[id]
			if r == nil {
				r = &reading{}
				readings[id], order = r, append(order, r)
			}
			if r.Add(&n) {
				r.first = hit{index: hits[i].index, id: hits[i].id}
			}
		}
	}
	for _, r := range order {
		traces = append(traces, &trace{Summary: r.Summary(), first: r.first})
	}
	return traces, nil
}

// readStrays reads the traces that have a document whose base id the index does not
// hold exactly.
func (l *listing) readStrays(ctx context.Context) ([]*trace, error) {
	l.strays = map[string]bool{}
	var ids []string
	for hits, err := range l.documents(ctx, allOf(not(exists(l.baseID)))) {
		if err != nil {
			return nil, err
		}
		for i := range hits {
			if n, err := hits[i].notification(""); err == nil && !l.strays[driver.Text(n.BaseID)] {
				ids = append(ids, driver.Text(n.BaseID))
				l.strays[ids[len(ids)-1]] = true
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	traces, err := l.read(ctx, l.inTraces(ids...))
	return slices.DeleteFunc(traces, func(t *trace) bool { return !l.strays[driver.Text(t.BaseID)] }), err
}

// readEverything makes the summaries of all traces by reading all documents, for an
// index that holds neither base ids nor timestamps exactly.
func (l *listing) readEverything(ctx context.Context) error {
	traces, err := l.read(ctx, everything())
	if err != nil {
		return err
	}
	return l.emit(ctx, traces)
}

// readFirsts reads the first notifications of traces.
func (l *listing) readFirsts(ctx context.Context, traces []*trace) error {
	pager := l.pager()
	for len(traces) > 0 {
		page := traces[:min(len(traces), pager.Next())]
		docs := make([]object, len(page))
		for i, t := range page {
			docs[i] = object{"_index": t.first.index, "_id": t.first.id}
		}
		body, _ := json.Marshal(object{"docs": docs}) // of texts
		resp, err := l.do(ctx, esapi.MgetRequest{Body: bytes.NewReader(body)})
		if err != nil {
			return err
		}
		answer := string(resp.body)
		documents := slices.Collect(pyjson.Elements(member(answer, "docs")))
		if len(documents) != len(page) {
			return l.foreign(resp.body)
		}
		for i, t := range page {
			if err := l.setFirst(t, documents[i]); err != nil {
				return err
			}
		}
		pager.Add(len(page), len(resp.body))
		traces = traces[len(page):]
	}
	return nil
}

// setFirst adds the first notification to a trace. A notification that was deleted
// meanwhile is replaced by what the summary says about it.
func (l *listing) setFirst(t *trace, document string) error {
	h := parseHit(document)
	if h.source == "" {
		t.First = &osprofiler.Notification{
			Name: t.Name, BaseID: t.BaseID, Timestamp: t.Timestamp, Info: "{}", Project: t.Project, Service: t.Service,
		}
		if reason := member(document, "error", "reason"); reason != "" {
			return fmt.Errorf("cannot read the first notification of the trace %q: %w", t.BaseID, errors.New(pyjson.Unquote(reason)))
		}
		return nil
	}
	n, err := h.notification("")
	if err != nil {
		return err
	}
	t.First = &n
	return nil
}
