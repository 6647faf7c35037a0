package convert

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A resourceText is the text that the notifications of all spans of one resource share.
type resourceText struct {
	of               *resource.Resource
	project, service string // as the notifications' fields
	host             string // `"host": "…"`, a member of every info
	end              string // the JSON of project and service, to the end of a notification
	otlp             string // the resource in info.otel
}

// resourceTexts caches the resourceTexts that a Converter made. A program has few resources,
// usually one.
type resourceTexts struct {
	last atomic.Pointer[resourceText]

	mu    sync.Mutex
	all   map[*resource.Resource]*resourceText
	bytes int // of all texts in the map
}

// These are the bounds of resourceTexts. When one is reached, the map is emptied.
const (
	maxResourceTexts     = 256
	maxResourceTextBytes = 1 << 20
)

// of returns the text of a resource, which may be nil.
func (c *resourceTexts) of(r *resource.Resource, cfg *config) *resourceText {
	if last := c.last.Load(); last != nil && last.of == r {
		return last
	}
	text := c.find(r, cfg)
	c.last.Store(text)
	return text
}

func (c *resourceTexts) find(r *resource.Resource, cfg *config) *resourceText {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text, ok := c.all[r]; ok {
		return text
	}
	text := newResourceText(r, cfg)
	size := len(text.end) + len(text.host) + len(text.otlp)
	if size > maxResourceTextBytes {
		return text
	}
	if c.all == nil || len(c.all) >= maxResourceTexts || c.bytes+size > maxResourceTextBytes {
		c.all, c.bytes = map[*resource.Resource]*resourceText{}, 0
	}
	c.all[r] = text
	c.bytes += size
	return text
}

func newResourceText(r *resource.Resource, cfg *config) *resourceText {
	project, service, host := namesOf(r)
	override := func(value *string, by string) {
		if by != "" {
			*value = by
		}
	}
	if host == "" {
		host = cfg.localHost
	}
	override(&project, cfg.project)
	override(&service, cfg.service)
	override(&host, cfg.host)
	return &resourceText{
		of:      r,
		project: pyjson.Normal(project),
		service: pyjson.Normal(service),
		host:    string(pyjson.AppendString([]byte(`"host": `), host)),
		end:     string(appendEnd(nil, project, service)),
		otlp:    string(appendResource(nil, r)),
	}
}

// appendEnd appends the end of a notification's JSON.
func appendEnd(dst []byte, project, service string) []byte {
	dst = appendStringOrNull(append(dst, `, "project": `...), project)
	dst = appendStringOrNull(append(dst, `, "service": `...), service)
	return append(dst, '}')
}

func appendStringOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return pyjson.AppendString(dst, s)
}

// namesOf returns project, service and host of a resource.
func namesOf(r *resource.Resource) (project, service, host string) {
	for iter := r.Iter(); iter.Next(); {
		kv := iter.Attribute()
		switch kv.Key {
		case semconv.ServiceNamespaceKey:
			project = kv.Value.AsString()
		case semconv.ServiceNameKey:
			service = kv.Value.AsString()
		case semconv.HostNameKey:
			host = kv.Value.AsString()
		}
	}
	return project, service, host
}
