package mongo

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

// A batch is divided by the size of messages and by their number of documents, and
// keeps its order. A document that is too large is sent in a smaller form.
func TestMessages(t *testing.T) {
	var batch []osprofiler.Notification
	for i := range 40 {
		batch = append(batch, osprofiler.Notification{Name: "a-start", BaseID: "b", Info: osprofiler.Info(`{"a.b": "` + strings.Repeat("x", 30*i) + `"}`)})
	}
	w := &writing{database: &database{}, batch: batch, done: outcome.Of(batch), limits: limits{document: 1800, message: 5000, count: 4}}
	items := make([]item, len(batch))
	for i := range batch {
		items[i] = item{index: i, id: idOf(&batch[i])}
	}
	next := 0
	for len(items) > 0 {
		sent, documents, err := w.message(t.Context(), items)
		size := 0
		for i, it := range sent {
			document := documents[i].(bson.Raw)
			size += len(document)
			if it.index != next || len(document) > w.limits.document {
				t.Errorf("item %d with %d bytes is sent where %d is expected", it.index, len(document), next)
			}
			if n, err := decodeDocument(document); err != nil || !n.Equal(batch[it.index]) {
				t.Errorf("item %d: %v", it.index, err)
			}
			next++
		}
		if err != nil || len(sent) == 0 || len(sent) != len(documents) || len(sent) > w.limits.count || len(sent) > 1 && size > w.limits.message {
			t.Fatalf("%d items, %d documents, %d bytes: %v", len(sent), len(documents), size, err)
		}
		items = items[len(sent):]
	}
	if next != len(batch) {
		t.Errorf("%d of %d items are sent", next, len(batch))
	}
}

func TestLimits(t *testing.T) {
	if got := limitsOf(&serverInfo{}); got.document <= 0 || got.message != mostMessage || got.count != 100_000 {
		t.Errorf("%+v", got)
	}
	small := limitsOf(&serverInfo{maxDocument: 2 << 20, maxMessage: 4 << 20, maxBatch: 500})
	if small.document >= 2<<20 || small.message >= 4<<20 || small.count != 500 {
		t.Errorf("%+v", small)
	}
}
