package sink_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/osprofiler-otel/osprofiler/internal/sink"
)

func TestResource(t *testing.T) {
	const url = "https://schema"
	text := func(pairs ...string) *resource.Resource {
		var attrs []attribute.KeyValue
		for i := 0; i < len(pairs); i += 2 {
			attrs = append(attrs, attribute.String(pairs[i], pairs[i+1]))
		}
		return resource.NewWithAttributes(url, attrs...)
	}
	nova := text("service.namespace", "nova", "service.name", "api", "host.name", "h")
	for name, test := range map[string]struct {
		naming          sink.Naming
		ofNotifications bool
		from, want      *resource.Resource
	}{
		"a Tracer's":                 {from: nova, want: nova},
		"a Tracer's with Join":       {naming: sink.Naming{Join: true}, from: nova, want: text("service.namespace", "nova", "service.name", "nova-api", "host.name", "h", "osprofiler.service", "api")},
		"of notifications":           {ofNotifications: true, from: nova, want: text("service.namespace", "nova", "service.name", "nova-api", "host.name", "h", "osprofiler.service", "api")},
		"with a prefix":              {naming: sink.Naming{Prefix: "west"}, ofNotifications: true, from: nova, want: text("service.namespace", "nova", "service.name", "west-nova-api", "host.name", "h", "osprofiler.service", "api")},
		"a prefix is not a Tracer's": {naming: sink.Naming{Prefix: "west"}, from: nova, want: nova},
		"without a project":          {ofNotifications: true, from: text("service.name", "api"), want: text("service.name", "api")},
		"without a service":          {ofNotifications: true, from: text("service.namespace", "nova"), want: text("service.namespace", "nova", "service.name", "nova", "osprofiler.service", "")},
		"without names":              {ofNotifications: true, from: text("a", "b"), want: text("a", "b")},
		"no text":                    {ofNotifications: true, from: resource.NewWithAttributes(url, attribute.Int("service.name", 1)), want: resource.NewWithAttributes(url, attribute.Int("service.name", 1))},
		"joined already":             {ofNotifications: true, from: text("service.namespace", "nova", "service.name", "x", "osprofiler.service", "api"), want: text("service.namespace", "nova", "service.name", "x", "osprofiler.service", "api")},
		"replaced":                   {naming: sink.Naming{Project: "p", Service: "s", Host: "h2"}, from: nova, want: text("service.namespace", "p", "service.name", "s", "host.name", "h2")},
		"replaced and joined":        {naming: sink.Naming{Project: "p", Service: "s"}, ofNotifications: true, from: nova, want: text("service.namespace", "p", "service.name", "p-s", "host.name", "h", "osprofiler.service", "s")},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.naming.Resource(test.from, test.ofNotifications)
			if !got.Equal(test.want) || got.SchemaURL() != url {
				t.Errorf("got %v with the schema %q, want %v", got, got.SchemaURL(), test.want)
			}
			if test.naming.Project != "" {
				return
			}
			if back := sink.Original(got); !back.Equal(test.from) && name != "joined already" {
				t.Errorf("Original gives %v, want %v", back, test.from)
			}
		})
	}
	if r := (&sink.Naming{}).Resource(nil, true); r != nil {
		t.Errorf("nil becomes %v", r)
	}
}
