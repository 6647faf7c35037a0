package driver

import "github.com/osprofiler-otel/osprofiler/internal/pyjson"

// Text returns the text that an id becomes when it is written as JSON: bytes
// that are not UTF-8 become U+FFFD. Ids are compared by their Text.
func Text(id string) string { return pyjson.Normal(id) }
