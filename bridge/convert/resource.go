package convert

import (
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// resources keeps one resource for each project, service and host, since
// processors and exporters group spans by it.
var resources = resourceCache{known: map[resourceKey]*namedResource{}}

type resourceKey struct{ project, service, host string }

type namedResource struct {
	resourceKey
	*resource.Resource
}

// A resourceCache finds the resources that were asked for lately without its lock.
type resourceCache struct {
	lately [256]atomic.Pointer[namedResource]

	mu    sync.Mutex
	known map[resourceKey]*namedResource
}

// The bounds of the cache: hosts of a cloud are fewer, and names shorter.
const (
	mostResources  = 4096
	longestNameSum = 1024
)

func (c *resourceCache) of(project, service, host string) *resource.Resource {
	key := resourceKey{project, service, host}
	lately := &c.lately[key.slot()]
	if r := lately.Load(); r != nil && r.resourceKey == key {
		return r.Resource
	}
	if len(project)+len(service)+len(host) > longestNameSum {
		return key.resource()
	}
	r := c.find(key)
	lately.Store(r)
	return r.Resource
}

func (c *resourceCache) find(key resourceKey) *namedResource {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.known[key]; ok {
		return r
	}
	if len(c.known) >= mostResources {
		clear(c.known)
	}
	// The names are parts of longer texts, which are not to be kept.
	key = resourceKey{strings.Clone(key.project), strings.Clone(key.service), strings.Clone(key.host)}
	r := &namedResource{key, key.resource()}
	c.known[key] = r
	return r
}

// slot spreads what is asked for together: hosts mostly differ at their end.
func (k *resourceKey) slot() uint8 {
	slot := uint8(len(k.project)) + 3*uint8(len(k.service)) + 7*uint8(len(k.host))
	for _, name := range [...]string{k.project, k.service, k.host} {
		if n := len(name); n > 1 {
			slot = 31*slot + 5*name[n-2] + name[n-1]
		}
	}
	return slot
}

func (k *resourceKey) resource() *resource.Resource {
	var attrs []attribute.KeyValue
	add := func(key attribute.Key, text string) {
		if text != "" {
			attrs = append(attrs, key.String(text))
		}
	}
	add(semconv.ServiceNamespaceKey, k.project)
	add(semconv.ServiceNameKey, k.service)
	add(semconv.HostNameKey, k.host)
	return resource.NewSchemaless(attrs...)
}
