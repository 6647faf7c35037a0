package sink

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// ServiceKey is the resource attribute with the service name in the notifications from
// which the spans were made. A resource has it only if service.name is another name.
const ServiceKey = attribute.Key("osprofiler.service")

// A Naming selects the names that a resource gets when it is sent. The zero Naming joins
// project and service of spans that were made from notifications.
type Naming struct {
	// Prefix begins the joined service names, as the option service_name_prefix of
	// the Python library does.
	Prefix string
	// Join also joins the names of spans that a Tracer made.
	Join bool
	// Project, Service and Host, if they are not empty, replace service.namespace,
	// service.name and host.name before the names are joined.
	Project, Service, Host string
}

// ServiceName returns the name that the Python library's drivers for OTLP and Jaeger
// form: prefix-project-service. An empty part is left out.
func (n *Naming) ServiceName(project, service string) string {
	parts := [...]string{n.Prefix, project, service}
	return strings.Join(slices.DeleteFunc(parts[:], func(part string) bool { return part == "" }), "-")
}

// Resource returns the resource to send for r. ofNotifications reports whether the spans
// of r were made from notifications. A resource that has [ServiceKey] already keeps its
// service name.
func (n *Naming) Resource(r *resource.Resource, ofNotifications bool) *resource.Resource {
	attrs := changes{all: slices.Clone(r.Attributes())}
	attrs.replace(semconv.ServiceNamespaceKey, n.Project)
	attrs.replace(semconv.ServiceNameKey, n.Service)
	attrs.replace(semconv.HostNameKey, n.Host)
	if _, joined := attrs.text(ServiceKey); !joined && (ofNotifications || n.Join) {
		project, _ := attrs.text(semconv.ServiceNamespaceKey)
		service, _ := attrs.text(semconv.ServiceNameKey)
		if name := n.ServiceName(project, service); name != service {
			attrs.replace(semconv.ServiceNameKey, name)
			attrs.set(ServiceKey, service, true)
		}
	}
	return attrs.resource(r)
}

// Original returns the resource as it was before [Naming.Resource] joined the names.
func Original(r *resource.Resource) *resource.Resource {
	attrs := changes{all: slices.Clone(r.Attributes())}
	service, ok := attrs.text(ServiceKey)
	if !ok {
		return r
	}
	attrs.remove(ServiceKey)
	if service == "" {
		attrs.remove(semconv.ServiceNameKey)
	} else {
		attrs.replace(semconv.ServiceNameKey, service)
	}
	return attrs.resource(r)
}

// changes are the attributes of a resource that may be changed.
type changes struct {
	all     []attribute.KeyValue
	changed bool
}

func (c *changes) index(key attribute.Key) int {
	return slices.IndexFunc(c.all, func(kv attribute.KeyValue) bool { return kv.Key == key })
}

func (c *changes) text(key attribute.Key) (text string, ok bool) {
	i := c.index(key)
	if i < 0 || c.all[i].Value.Type() != attribute.STRING {
		return "", false
	}
	return c.all[i].Value.AsString(), true
}

// replace sets an attribute, unless the text is empty.
func (c *changes) replace(key attribute.Key, text string) {
	c.set(key, text, text != "")
}

func (c *changes) set(key attribute.Key, text string, wanted bool) {
	if old, ok := c.text(key); !wanted || ok && old == text {
		return
	}
	c.remove(key)
	c.all, c.changed = append(c.all, key.String(text)), true
}

func (c *changes) remove(key attribute.Key) {
	if i := c.index(key); i >= 0 {
		c.all, c.changed = slices.Delete(c.all, i, i+1), true
	}
}

func (c *changes) resource(old *resource.Resource) *resource.Resource {
	if !c.changed {
		return old
	}
	return resource.NewWithAttributes(old.SchemaURL(), c.all...)
}
