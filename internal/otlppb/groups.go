package otlppb

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A GroupKey is the resource and the scope by which spans are grouped in OTLP.
type GroupKey struct {
	Resource  attribute.Distinct
	SchemaURL string // of the resource
	Scope     instrumentation.Scope
}

// Groups has the spans of one request by their resource and scope.
type Groups struct {
	All []*tracepb.ResourceSpans

	last       *tracepb.ScopeSpans // of lastKey
	lastKey    GroupKey
	byResource map[resourceKey]*tracepb.ResourceSpans
	byScope    map[GroupKey]*tracepb.ScopeSpans
	scopes     map[instrumentation.Scope]scope
}

type resourceKey struct {
	resource  attribute.Distinct
	schemaURL string
}

// A scope is the message of a scope and its size.
type scope struct {
	message *commonpb.InstrumentationScope
	size    int
}

// maxScopes bounds the memory of messages that are kept for other requests.
const maxScopes = 1024

// Find returns the group of a key, to which the caller adds a span.
func (g *Groups) Find(key GroupKey) (group *tracepb.ScopeSpans, ok bool) {
	if g.last != nil && g.lastKey == key {
		return g.last, true
	}
	group, ok = g.byScope[key]
	if ok {
		g.last, g.lastKey = group, key
	}
	return group, ok
}

// Add adds the group of a key that Find does not find.
func (g *Groups) Add(key GroupKey, r *resourcepb.Resource, schemaURL string) *tracepb.ScopeSpans {
	if g.byScope == nil {
		g.byScope, g.byResource = map[GroupKey]*tracepb.ScopeSpans{}, map[resourceKey]*tracepb.ResourceSpans{}
	}
	ofResource := resourceKey{key.Resource, key.SchemaURL}
	spans, ok := g.byResource[ofResource]
	if !ok {
		spans = &tracepb.ResourceSpans{Resource: r, SchemaUrl: validUTF8(schemaURL)}
		g.All, g.byResource[ofResource] = append(g.All, spans), spans
	}
	group := &tracepb.ScopeSpans{Scope: g.scope(key.Scope).message, SchemaUrl: validUTF8(key.Scope.SchemaURL)}
	spans.ScopeSpans, g.byScope[key] = append(spans.ScopeSpans, group), group
	g.last, g.lastKey = group, key
	return group
}

// ScopeSize returns the size in bytes of the scope of a key with its schema URL.
func (g *Groups) ScopeSize(key GroupKey) int {
	return g.scope(key.Scope).size + len(key.Scope.SchemaURL)
}

func (g *Groups) scope(s instrumentation.Scope) scope {
	known, ok := g.scopes[s]
	if ok {
		return known
	}
	if g.scopes == nil || len(g.scopes) >= maxScopes {
		g.scopes = map[instrumentation.Scope]scope{}
	}
	known.message = Scope(s)
	known.size = proto.Size(known.message)
	g.scopes[s] = known
	return known
}

// Reset removes all groups.
func (g *Groups) Reset() {
	clear(g.All)
	clear(g.byScope)
	clear(g.byResource)
	g.All, g.last, g.lastKey = g.All[:0], nil, GroupKey{}
}
