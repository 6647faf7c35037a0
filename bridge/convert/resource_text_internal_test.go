package convert

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

// A Converter's cache of resources is bounded in number and in bytes.
func TestResourceTextsAreBounded(t *testing.T) {
	c := New()
	named := func(name string) *resource.Resource {
		return resource.NewSchemaless(attribute.String("service.name", name))
	}
	for range 3 * maxResourceTexts {
		c.resources.of(named("small"), &c.cfg)
		if n := len(c.resources.all); n > maxResourceTexts {
			t.Fatalf("%d texts are remembered; the bound is %d", n, maxResourceTexts)
		}
	}
	large := strings.Repeat("x", maxResourceTextBytes/5)
	for i := range 20 {
		r := named(strings.Repeat(large, 1+i%7))
		text := c.resources.of(r, &c.cfg)
		if again := c.resources.of(r, &c.cfg); again != text {
			t.Fatal("the text of the last resource should be remembered")
		}
		bytes := 0
		for _, text := range c.resources.all {
			bytes += len(text.end) + len(text.host) + len(text.otlp)
		}
		if bytes != c.resources.bytes || bytes > maxResourceTextBytes {
			t.Fatalf("%d bytes are remembered and counted as %d; the bound is %d", bytes, c.resources.bytes, maxResourceTextBytes)
		}
	}
}
