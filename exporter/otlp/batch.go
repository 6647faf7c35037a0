package otlp

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
	"github.com/osprofiler-otel/osprofiler/internal/sink"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A batch makes the messages of one request. Its memory is used again for the next
// request.
type batch struct {
	wire   []byte // of all spans
	spans  []encodedSpan
	room   []tracepb.Span // the messages of spans
	groups otlppb.Groups
	size   int // of the request in bytes; at most a few bytes too much
}

// An encodedSpan is a span in wire form.
type encodedSpan struct {
	end   int // in batch.wire
	group *tracepb.ScopeSpans
}

// groupOverhead is the largest number of bytes for the tags and lengths of a resource
// or a scope with its spans.
const groupOverhead = 32

// fill makes the request of the first spans and returns their number. The request has
// at most limit bytes, or one span.
func (b *batch) fill(e *Exporter, spans []sdktrace.ReadOnlySpan, limit int) (n int) {
	b.wire, b.spans, b.size = b.wire[:0], b.spans[:0], 0
	b.groups.Reset()
	for n < len(spans) && b.add(e, spans[n], limit) {
		n++
	}
	if len(b.room) < n {
		b.room = make([]tracepb.Span, max(n, min(2*len(b.room), len(spans))))
	}
	start := 0
	for i, s := range b.spans {
		// The unknown fields of a message are written as they are.
		b.room[i].ProtoReflect().SetUnknown(b.wire[start:s.end:s.end])
		s.group.Spans = append(s.group.Spans, &b.room[i])
		start = s.end
	}
	return n
}

// add adds a span, unless the request becomes too large.
func (b *batch) add(e *Exporter, s sdktrace.ReadOnlySpan, limit int) bool {
	if e.redaction != (tags.Redaction{}) {
		s = convert.Redacted(s, e.redaction)
	}
	start := len(b.wire)
	b.wire = otlppb.AppendSpan(b.wire, s)
	size := 1 + protowire.SizeBytes(len(b.wire)-start)
	r := e.resources.of(s.Resource(), convert.OfNotifications(s))
	key := otlppb.GroupKey{Resource: r.resource.Equivalent(), SchemaURL: r.resource.SchemaURL(), Scope: s.InstrumentationScope()}
	group, ok := b.groups.Find(key)
	if !ok {
		size += r.size + b.groups.ScopeSize(key) + 2*groupOverhead
	}
	if len(b.spans) > 0 && b.size+size > limit {
		return false
	}
	if !ok {
		group = b.groups.Add(key, r.message, r.resource.SchemaURL())
	}
	b.size += size
	b.spans = append(b.spans, encodedSpan{len(b.wire), group})
	return true
}

// isLarge reports whether one large span has made the batch too large to keep it.
func (b *batch) isLarge(limit int) bool { return cap(b.wire) > 2*limit+1<<16 }

// resources has the messages of the resources that were sent before.
type resources struct {
	naming sink.Naming
	known  sync.Map // resourceID to *sentResource
	count  atomic.Int64
}

// maxResources bounds the memory for resources. A resource that is not remembered is
// encoded again.
const maxResources = 4096

type resourceID struct {
	resource        *resource.Resource
	ofNotifications bool
}

type sentResource struct {
	resource *resource.Resource
	message  *resourcepb.Resource
	size     int
}

// of returns the resource to send for r.
func (c *resources) of(r *resource.Resource, ofNotifications bool) *sentResource {
	id := resourceID{r, ofNotifications}
	if known, ok := c.known.Load(id); ok {
		return known.(*sentResource)
	}
	sent := &sentResource{resource: c.naming.Resource(r, ofNotifications)}
	sent.message = otlppb.Resource(sent.resource)
	sent.size = proto.Size(sent.message) + len(sent.resource.SchemaURL())
	if c.count.Add(1) > maxResources {
		c.known.Clear()
		c.count.Store(1)
	}
	c.known.Store(id, sent)
	return sent
}
