package otlpreceiver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// The bounds of the text that names refused spans.
const (
	maxNamedSpans  = 20
	maxRefusalText = 300
)

// refusals are the spans of a request that were refused. Only the first ones are named.
type refusals struct {
	first []string
	count int64
}

func (r *refusals) add(e *otlppb.SpanError) {
	r.count++
	if len(r.first) == maxNamedSpans {
		return
	}
	text := strings.ToValidUTF8(e.Error(), "\uFFFD")
	if len(text) > maxRefusalText {
		text = strings.ToValidUTF8(text[:maxRefusalText], "") + "…"
	}
	r.first = append(r.first, text)
}

func (r *refusals) text() string {
	text := strings.Join(r.first, "; ")
	if more := r.count - int64(len(r.first)); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// clone returns a copy that does not change when more spans are refused.
func (r *refusals) clone() refusals { return refusals{slices.Clone(r.first), r.count} }
