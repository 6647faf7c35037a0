package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Write implements driver.Writer. It sends bulk requests and looks at the result
// of each document. nil means that the primary shard and the shard copies in sync
// with it have all of the batch, on disk unless the index has
// index.translog.durability async. The error is a *store.WriteError that names the
// notifications that are not known to be stored.
//
// A document has an id that depends on its content, so that a batch that is
// written again stores nothing twice. A document with an id that is there already
// counts as stored: the server says so when the copies in sync have answered, too.
//
// A document that the index refuses for its content is stored in the short form, with
// the notification beside it.
func (c *cluster) Write(ctx context.Context, batch []osprofiler.Notification) error {
	w := &writing{cluster: c, batch: batch, done: outcome.Of(batch)}
	w.write(ctx)
	return w.done.Err()
}

// A writing is a call of Write.
type writing struct {
	*cluster
	batch []osprofiler.Notification
	done  *outcome.Outcome
	again []item // in another shape
	// stopped is the reason why the server accepts no more of the batch now.
	stopped error
}

func (w *writing) write(ctx context.Context) {
	events, records := w.items()
	if err := w.prepare(ctx, false); err != nil {
		w.miss(err, events)
		return
	}
	for len(events) > 0 {
		if events[0].shape > 0 || w.hasShort(events) {
			w.addOriginal(ctx)
		}
		w.again = nil
		w.sendAll(ctx, w.events, events)
		events = w.again
	}
	lost := map[int]bool{}
	for _, i := range append(w.done.Missing(), w.done.Refused()...) {
		lost[i] = true
	}
	w.sendAll(ctx, w.errors, without(records, lost))
}

// items returns the documents of the batch: its notifications, and the records of
// those that failed.
func (w *writing) items() (events, records []item) {
	var text []byte
	for i := range w.batch {
		n := &w.batch[i]
		it := item{index: i}
		if text = n.AppendJSON(text[:0]); needsShortForm(n, text) {
			it.shape = 1
		}
		events = append(events, it)
		if w.filterErrorTrace && n.Info.Failed() {
			records = append(records, item{index: i, isRecord: true})
		}
	}
	return events, records
}

func (w *writing) hasShort(items []item) bool {
	for _, it := range items {
		if it.shape > 0 {
			return true
		}
	}
	return false
}

// without returns the items that are not about the notifications that are lost.
func without(items []item, lost map[int]bool) []item {
	var rest []item
	for _, it := range items {
		if !lost[it.index] {
			rest = append(rest, it)
		}
	}
	return rest
}

// sendAll sends all items in requests of a bounded size.
func (w *writing) sendAll(ctx context.Context, index string, items []item) {
	for len(items) > 0 {
		if w.stopped != nil {
			w.miss(w.stopped, items)
			return
		}
		body, count := makeBody(w.batch, items)
		w.send(ctx, index, body, items[:count])
		items = items[count:]
	}
}

// send sends one request with all of the items.
func (w *writing) send(ctx context.Context, index string, body []byte, items []item) {
	answers, err := w.bulk(ctx, index, body, len(items))
	switch {
	case err == nil:
		w.results(ctx, index, answers, items)
	case w.isForSize(ctx, err, len(body)):
		w.sendSmaller(ctx, index, items, err)
	case len(items) == 1 && len(body) >= largeSize && isAnswer(err): // the server may lack the memory for this one
		w.miss(err, items)
	default:
		w.stopped = err
		w.miss(err, items)
	}
}

// results looks at the result of each item of a request. If the server accepted none
// of several items, for a reason that is not in the items, no more items are sent now.
func (w *writing) results(ctx context.Context, index string, answers []*answer, items []item) {
	refusals := 0
	var large []item
	for i, a := range answers {
		switch {
		case a == nil || a.status == http.StatusConflict: // in the latter case, the document is there
		case a.isOverLimit() && len(items) > 1: // by itself, it may be small enough
			large = append(large, items[i])
		default:
			if err := w.failed(a, items[i]); err != nil {
				refusals++
				if refusals == len(items) && refusals > 1 {
					w.stopped = err
				}
			}
		}
	}
	w.sendAll(ctx, index, large[:len(large)/2])
	w.sendAll(ctx, index, large[len(large)/2:])
}

// failed decides about an item that the server did not take. It returns an error
// if the reason is not in the content of the item.
func (w *writing) failed(a *answer, it item) error {
	err := w.explain(context.Background(), a)
	if it.isRecord {
		err = explained.New(err, "the notification is stored, but the record of its failure in the index %q is not: %s", w.errors, err)
	}
	switch class := a.class(); {
	case class == serverstate.Row && !it.isRecord && it.shape+1 < len(shapes):
		it.shape = nextShape(a, it.shape)
		w.again = append(w.again, it)
	case a.isOverLimit():
		w.done.Refuse(w.overLimit(a), it.index)
	case class == serverstate.Row && (it.isRecord || !a.has("illegal_argument_exception")):
		w.done.Refuse(err, it.index)
	default:
		if class.IsTransient() {
			err = &store.TransientError{Err: err}
		}
		w.miss(err, []item{it})
		return err
	}
	return nil
}

// nextShape returns the shape in which a document is sent that was refused in
// another shape.
func nextShape(a *answer, last int) int {
	next := last + 1
	if last > 0 && strings.Contains(a.reasons(), "Limit of total fields") { // the index does not even accept the field for the original
		for next+1 < len(shapes) && shapes[next].key != spareKey {
			next++
		}
	}
	return next
}

func isAnswer(err error) bool {
	var a *answer
	return errors.As(err, &a)
}

// miss adds the notifications of the items that are not known to be stored.
func (w *writing) miss(err error, items []item) {
	var transient *store.TransientError
	isTransient := errors.As(err, &transient)
	if isTransient {
		err = transient.Err
	}
	for _, it := range items {
		w.done.Miss(err, isTransient, it.index)
	}
}

// largeSize is the size in bytes from which a server or a proxy may refuse a
// request for its size.
const largeSize = 64 << 10

// isForSize reports whether the size of a request may be why it failed. A server
// that gets more than it takes may end the connection before its answer is read.
func (w *writing) isForSize(ctx context.Context, err error, size int) bool {
	if saysTooLarge(err) {
		return true
	}
	return size >= largeSize && neterr.Lost(err) && !neterr.Unconnected(err) && ctx.Err() == nil && w.responds(ctx)
}

// responds reports whether the server answers a small request.
func (w *writing) responds(ctx context.Context) bool {
	_, err := w.do(ctx, esapi.IndicesGetMappingRequest{Index: []string{w.events}})
	var a *answer
	return err == nil || errors.As(err, &a) && !a.class().IsTransient()
}

// tries is how often a document is sent by itself to a server that breaks the
// connection and answers other requests. Then the document counts as refused.
const tries = 3

// tryPause is how long to wait before the second time. Before the third, it is twice
// as long.
const tryPause = 500 * time.Millisecond

// sendSmaller sends the items of a request in two halves. One item that does not
// get through is refused.
func (w *writing) sendSmaller(ctx context.Context, index string, items []item, err error) {
	if len(items) > 1 {
		w.sendAll(ctx, index, items[:len(items)/2])
		w.sendAll(ctx, index, items[len(items)/2:])
		return
	}
	body, _ := makeBody(w.batch, items)
	for try := 1; try < tries && !saysTooLarge(err); try++ {
		select { // a fault of the network passes
		case <-ctx.Done():
		case <-time.After(time.Duration(try) * tryPause):
		}
		answers, again := w.bulk(ctx, index, body, 1)
		switch {
		case again == nil:
			w.results(ctx, index, answers, items)
			return
		case !w.isForSize(ctx, again, len(body)):
			w.stopped = again
			w.miss(again, items)
			return
		}
		err = again
	}
	w.done.Refuse(w.refusal(err, len(body)), items[0].index)
}

// saysTooLarge reports whether the server says that it never takes so large a
// request.
func saysTooLarge(err error) bool {
	var a *answer
	return errors.As(err, &a) && (a.status == http.StatusRequestEntityTooLarge || a.isOverLimit())
}

// overLimit returns why a server whose memory for writes is limited never takes a
// document.
func (w *writing) overLimit(a *answer) error {
	return explained.New(a, "%s does not take so large a document; indexing_pressure.memory.limit of the server should be larger: %s", w.name, a)
}

// refusal returns why a document is too large.
func (w *writing) refusal(err error, size int) error {
	var a *answer
	if errors.As(err, &a) && a.isOverLimit() {
		return w.overLimit(a)
	}
	if isStatus(err, http.StatusRequestEntityTooLarge) {
		return fmt.Errorf("%s, or a proxy before it, does not take a request of %d bytes; http.max_content_length of the server should be larger", w.name, size)
	}
	return fmt.Errorf("%s, or a proxy before it, breaks the connection when a request of %d bytes is sent, and answers other requests; http.max_content_length of the server should be larger", w.name, size)
}
