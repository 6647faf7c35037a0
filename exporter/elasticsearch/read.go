package elasticsearch

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Notifications implements driver.Reader. It yields the notifications in the order of
// their sequence numbers. Python's driver requests no order, and a server then returns
// the documents of each shard nearly in the order in which they were written.
func (c *cluster) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		l, err := c.layout(ctx)
		if err != nil {
			yield(osprofiler.Notification{}, err)
			return
		}
		if l.missing {
			return
		}
		s := search{index: c.events, query: l.inTraces(baseID)}
		pages := func(ctx context.Context) iter.Seq2[[]hit, error] { return c.pages(ctx, s, c.pager()) }
		for hits, err := range paging.Ahead(ctx, pages) {
			if err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			for i := range hits {
				if !yield(hits[i].notification(baseID)) {
					return
				}
			}
		}
	}
}

// notification decodes a document. The error for one that cannot be decoded is a
// *store.DamageError.
func (h *hit) notification(baseID string) (osprofiler.Notification, error) {
	source := strings.Clone(h.source) // so that a notification does not keep its page in memory
	decode := osprofiler.ParseNotification
	if strings.Contains(source, originalKey) || strings.Contains(source, spareKey) {
		decode = func(string) (osprofiler.Notification, error) { return decodeDocument([]byte(source)) }
	}
	n, err := decode(source)
	if err == nil {
		return n, nil
	}
	id, _ := pyjson.Text(member(h.source, baseIDKey))
	return osprofiler.Notification{}, &store.DamageError{
		Entry:   fmt.Sprintf("the document %q of the index %q", h.id, h.index),
		InTrace: baseID != "" && driver.Text(id) == baseID, BaseID: id, Reason: err,
	}
}

const (
	// longID is the length from which ids are not stored exactly by an index that
	// Python's driver made (ignore_above).
	longID = 256
	// mostMatched is the length of ids up to which the words of an id are compared.
	// A server takes a limited number of words.
	mostMatched = 1000
)

// inTraces returns a query that finds all documents of traces, and few others. The
// ids are base ids. A field that holds the ids exactly finds no others. An id that
// such a field does not hold is compared by its words among the documents without
// a value in that field.
func (l *layout) inTraces(baseIDs ...string) object {
	var exact []string
	var others []object
	for _, id := range baseIDs {
		if l.baseID != "" {
			exact = append(exact, idTerms(id)...)
		}
		if l.baseID == "" || isOdd(id) {
			others = append(others, l.byWords(id))
		}
	}
	var conditions []object
	if len(exact) > 0 {
		conditions = append(conditions, object{"terms": object{l.baseID: exact}})
	}
	if len(others) > 0 {
		rest := anyOf(append(others, not(exists(baseIDKey)))...)
		if l.baseID != "" {
			rest = allOf(not(exists(l.baseID)), rest)
		}
		conditions = append(conditions, rest)
	}
	return allOf(anyOf(conditions...))
}

// isOdd reports whether an index may not hold an id exactly.
func isOdd(id string) bool {
	return id == "" || len(id) >= longID || !utf8.ValidString(id) || strings.IndexByte(id, 0) >= 0
}

// byWords returns a query for documents whose base id has the words of an id. It
// finds all documents if the id has no words.
func (l *layout) byWords(id string) object {
	if len(id) > mostMatched {
		return everything()
	}
	return object{"match": object{baseIDKey: object{"query": id, "operator": "and", "zero_terms_query": "all", "lenient": true}}}
}
