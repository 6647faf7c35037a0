package convert

import (
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// namedResources has one resource for each combination of project, service and host, because
// processors and exporters group spans by their resource.
var namedResources = resourceCache{all: map[resourceKey]*namedResource{}}

type resourceKey struct{ project, service, host string }

type namedResource struct {
	resourceKey
	*resource.Resource
}

// A resourceCache finds recently used resources without locking.
type resourceCache struct {
	recent [256]atomic.Pointer[namedResource]

	mu  sync.Mutex
	all map[resourceKey]*namedResource
}

// These are the bounds of the cache. Clouds have fewer hosts and shorter names.
const (
	maxNamedResources = 4096
	maxNameLength     = 1024
)

func (c *resourceCache) of(project, service, host string) *resource.Resource {
	key := resourceKey{project, service, host}
	recent := &c.recent[key.slot()]
	if r := recent.Load(); r != nil && r.resourceKey == key {
		return r.Resource
	}
	if len(project)+len(service)+len(host) > maxNameLength {
		return key.resource()
	}
	r := c.find(key)
	recent.Store(r)
	return r.Resource
}

func (c *resourceCache) find(key resourceKey) *namedResource {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.all[key]; ok {
		return r
	}
	if len(c.all) >= maxNamedResources {
		clear(c.all)
	}
	// The names are parts of longer texts, which must not be kept in memory.
	key = resourceKey{strings.Clone(key.project), strings.Clone(key.service), strings.Clone(key.host)}
	r := &namedResource{key, key.resource()}
	c.all[key] = r
	return r
}

// slot distributes resources that are used together over the slots. Names of hosts mostly
// differ in their last characters.
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
