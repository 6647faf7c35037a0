package jaeger

import (
	"context"

	"github.com/uber/jaeger-client-go/thrift"
	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/sink"
)

// A batch is a message: the spans of one process.
type batch struct {
	process *jaeger.Process
	spans   []*jaeger.Span
	indices []int // of the spans in the call of ExportSpans
}

// halves returns the two halves of a batch of at least two spans.
func (b *batch) halves() (first, second batch) {
	at := len(b.spans) / 2
	return batch{b.process, b.spans[:at], b.indices[:at]}, batch{b.process, b.spans[at:], b.indices[at:]}
}

func (b *batch) thrift() *jaeger.Batch { return &jaeger.Batch{Process: b.process, Spans: b.spans} }

// emptyBatch returns a message that Jaeger takes, and of which it stores nothing.
func emptyBatch() *batch {
	return &batch{process: &jaeger.Process{ServiceName: "osp-check"}, spans: []*jaeger.Span{}}
}

// A group holds the spans of one process in their order.
type group struct {
	process *jaeger.Process
	spans   []*jaeger.Span
	indices []int
}

// groupsOf converts spans, and groups them by their process.
func groupsOf(spans []sdktrace.ReadOnlySpan, naming *sink.Naming) []*group {
	type key struct {
		resource        attribute.Distinct
		schemaURL       string
		ofNotifications bool
	}
	byKey := map[key]*group{}
	var groups []*group
	for i, s := range spans {
		if s == nil {
			continue
		}
		k := key{s.Resource().Equivalent(), s.Resource().SchemaURL(), convert.OfNotifications(s)}
		g := byKey[k]
		if g == nil {
			g = &group{process: processOf(naming.Resource(s.Resource(), k.ofNotifications))}
			byKey[k] = g
			groups = append(groups, g)
		}
		g.spans, g.indices = append(g.spans, spanOf(s)), append(g.indices, i)
	}
	return groups
}

// processOf returns the resource as a process: service.name is its name, and all other
// attributes are its tags.
func processOf(r *resource.Resource) *jaeger.Process {
	p := &jaeger.Process{ServiceName: "unknown_service", Tags: []*jaeger.Tag{}}
	for _, kv := range r.Attributes() {
		if kv.Key == semconv.ServiceNameKey {
			if name := valid(textOf(kv.Value)); name != "" {
				p.ServiceName = name
			}
			continue
		}
		p.Tags = append(p.Tags, tagOf(kv))
	}
	p.Tags = appendText(p.Tags, "otel.resource.schema_url", r.SchemaURL())
	return p
}

// A cutter cuts the spans of a call into messages. It is used by one goroutine.
type cutter struct {
	protocol thrift.TProtocolFactory
	limit    int // bytes of a message
	overhead int // bytes of a message without its process and spans, at most
	trim     bool

	buffer *thrift.TMemoryBuffer // what was measured last; nil before the first
	writer thrift.TProtocol      // it writes into buffer
}

// batches cuts groups into messages of at most limit bytes. With trim, a process or a
// span that is too large for a message loses its largest values; otherwise the message
// of such a span is larger.
func (c *cutter) batches(groups []*group) (all []batch, err error) {
	for _, g := range groups {
		if c.trim {
			if err := trimProcess(g.process, c); err != nil {
				return nil, err
			}
		}
		size, err := c.size(g.process)
		if err != nil {
			return nil, err
		}
		more, err := c.cut(g, c.limit-c.overhead-size)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// cut cuts a group into messages with at most room bytes of spans.
func (c *cutter) cut(g *group, room int) (all []batch, err error) {
	begin, used := 0, 0
	for i, span := range g.spans {
		size, err := c.size(span)
		if err == nil && c.trim && size > room {
			size, err = trimSpan(span, c, room)
		}
		if err != nil {
			return nil, err
		}
		if used+size > room && i > begin {
			all = append(all, batch{g.process, g.spans[begin:i], g.indices[begin:i]})
			begin, used = i, 0
		}
		used += size
	}
	return append(all, batch{g.process, g.spans[begin:], g.indices[begin:]}), nil
}

// size returns the bytes of a process or a span in a message.
func (c *cutter) size(value thrift.TStruct) (int, error) {
	if c.buffer == nil {
		c.buffer = thrift.NewTMemoryBufferLen(maxDatagramSize)
		c.writer = c.protocol.GetProtocol(c.buffer)
	}
	c.buffer.Reset()
	ctx := context.Background() // nothing is sent yet
	err := value.Write(ctx, c.writer)
	if err == nil {
		err = c.writer.Flush(ctx)
	}
	return c.buffer.Len(), err
}
