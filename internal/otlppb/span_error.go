package otlppb

import (
	"encoding/hex"
	"fmt"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// A SpanError reports a span that cannot be read or converted, and the reason.
type SpanError struct {
	TraceID, SpanID []byte // as they were sent, of any length
	Name            string
	Err             error
}

// Error implements error. The text is printable and of bounded length.
func (e *SpanError) Error() string {
	return fmt.Sprintf("span %s of trace %s, named %s: %v", idText(e.SpanID), idText(e.TraceID), safetext.Quote(e.Name), e.Err)
}

// Unwrap implements the interface of package errors.
func (e *SpanError) Unwrap() error { return e.Err }

// idText writes an id of a bounded length in hexadecimal digits.
func idText(id []byte) string {
	const most = 16
	switch {
	case len(id) == 0:
		return "(no id)"
	case len(id) > most:
		return hex.EncodeToString(id[:most]) + "…"
	}
	return hex.EncodeToString(id)
}
