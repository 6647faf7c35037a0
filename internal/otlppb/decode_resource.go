package otlppb

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

type decodedKey struct {
	attributes attribute.Distinct
	schemaURL  string
}

// maxResources bounds the memory of a Decoder. If it is reached, the map is emptied.
const maxResources = 256

// maxRememberedAttributes and maxRememberedText bound the resources that are remembered.
const (
	maxRememberedAttributes = 64
	maxRememberedText       = 4096
)

// resource converts the resource of a message. Spans without a resource have an
// empty one.
func (d *Decoder) resource(p *tracepb.ResourceSpans) (*resource.Resource, error) {
	attrs, err := Attributes(p.GetResource().GetAttributes())
	if err != nil {
		return nil, err
	}
	r := resource.NewWithAttributes(p.GetSchemaUrl(), attrs...)
	if d.Original != nil {
		r = d.Original(r)
	}
	if len(attrs) > maxRememberedAttributes || textOf(attrs)+len(p.GetSchemaUrl()) > maxRememberedText {
		return r, nil
	}
	key := decodedKey{r.Equivalent(), p.GetSchemaUrl()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.resources[key]; ok && known.Equal(r) {
		return known, nil
	}
	if d.resources == nil || len(d.resources) >= maxResources {
		d.resources = map[decodedKey]*resource.Resource{}
	}
	d.resources[key] = r
	return r, nil
}

// textOf returns the total bytes of the keys and the texts of attributes. Values
// other than text, numbers and truth values count as too long to be remembered.
func textOf(attrs []attribute.KeyValue) (size int) {
	for _, kv := range attrs {
		size += len(kv.Key)
		switch kv.Value.Type() {
		case attribute.STRING:
			size += len(kv.Value.AsString())
		case attribute.BOOL, attribute.INT64, attribute.FLOAT64:
		case attribute.STRINGSLICE:
			for _, text := range kv.Value.AsStringSlice() {
				size += len(text)
			}
		default:
			size += maxRememberedText
		}
	}
	return size
}
