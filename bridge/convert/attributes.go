package convert

import "go.opentelemetry.io/otel/attribute"

// ScopeName is the instrumentation scope of the spans that are made only from notifications.
const ScopeName = "github.com/osprofiler-otel/osprofiler/bridge/convert"

// ProfilerScopeName is the instrumentation scope of the bridge's Profiler. Its spans are
// already operations, so they keep their names.
const ProfilerScopeName = "github.com/osprofiler-otel/osprofiler/bridge"

// These are the attributes of a span that was made from notifications. They have the content
// that no other property of a span can hold. Each is set only if it is needed.
const (
	// BaseIDKey is the base id, if it is not the trace id's canonical UUID.
	BaseIDKey = attribute.Key("osprofiler.base_id")
	// TraceIDKey is OSProfiler's trace_id, if it cannot be derived from the trace id and the
	// span id.
	TraceIDKey = attribute.Key("osprofiler.trace_id")
	// ParentIDKey is the parent's trace_id, if it cannot be derived either.
	ParentIDKey = attribute.Key("osprofiler.parent_id")
	// MissingKey names the missing half: "start" or "stop". Both times of the span are then
	// the time of the other half.
	MissingKey = attribute.Key("osprofiler.missing")
	// StartInfoKey and StopInfoKey hold as JSON the part of the info that no other attribute
	// holds. Spans of the bridge's Profiler have them, too.
	StartInfoKey = attribute.Key("osprofiler.start.info")
	StopInfoKey  = attribute.Key("osprofiler.stop.info")
	// StartKey and StopKey hold the whole notification as JSON, if it cannot be derived from
	// the operation, because it has unknown members, a timestamp of another form, or a name,
	// service or parent that the other half does not have.
	StartKey = attribute.Key("osprofiler.start")
	StopKey  = attribute.Key("osprofiler.stop")
)

const keyOTel = "otel" // in info: the span as OTLP/JSON
