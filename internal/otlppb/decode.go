package otlppb

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// A Decoder converts OTLP messages to spans. Equal resources of different messages
// become one *resource.Resource, because exporters group spans by it and converters
// remember it. The zero Decoder is ready. It may be used by many goroutines.
type Decoder struct {
	// Original, if it is set, returns the resource to use instead of a decoded one.
	Original func(*resource.Resource) *resource.Resource

	mu        sync.Mutex
	resources map[decodedKey]*resource.Resource
}

// Spans converts the spans of OTLP messages, in their order. A span that cannot be
// converted is among the refused ones. See the package documentation for the rules.
func (d *Decoder) Spans(messages []*tracepb.ResourceSpans) (spans []sdktrace.ReadOnlySpan, refused []*SpanError) {
	for _, ofResource := range messages {
		res, resourceErr := d.resource(ofResource)
		for _, ofScope := range ofResource.GetScopeSpans() {
			scope, err := scopeOf(ofScope)
			if resourceErr != nil {
				err = resourceErr
			}
			for _, p := range ofScope.GetSpans() {
				span, err := spanOf(p, res, scope, err)
				if err != nil {
					refused = append(refused, &SpanError{TraceID: p.GetTraceId(), SpanID: p.GetSpanId(), Name: p.GetName(), Err: err})
					continue
				}
				spans = append(spans, span)
			}
		}
	}
	return spans, refused
}

// spanOf converts a span, unless its resource or scope has an error.
func spanOf(p *tracepb.Span, res *resource.Resource, scope instrumentation.Scope, err error) (sdktrace.ReadOnlySpan, error) {
	if err != nil {
		return nil, err
	}
	s := &convert.Span{
		Name:                 p.GetName(),
		SpanKind:             kindOf(p.GetKind()),
		Status:               statusOf(p.GetStatus()),
		DroppedAttributes:    int(p.GetDroppedAttributesCount()),
		DroppedEvents:        int(p.GetDroppedEventsCount()),
		DroppedLinks:         int(p.GetDroppedLinksCount()),
		Resource:             res,
		InstrumentationScope: scope,
	}
	if s.StartTime, s.EndTime, err = timesOf(p, scope.Name == convert.ScopeName); err != nil {
		return nil, err
	}
	if s.Attributes, err = Attributes(p.GetAttributes()); err != nil {
		return nil, err
	}
	if err := setContexts(s, p); err != nil {
		return nil, err
	}
	if s.Events, err = eventsOf(p.GetEvents()); err != nil {
		return nil, err
	}
	if s.Links, err = linksOf(p.GetLinks()); err != nil {
		return nil, err
	}
	return s.Snapshot(), nil
}

// setContexts sets the span contexts of the span and of its parent.
func setContexts(s *convert.Span, p *tracepb.Span) error {
	config, err := idsOf(p.GetTraceId(), p.GetSpanId())
	if err != nil {
		return err
	}
	if !config.TraceID.IsValid() || !config.SpanID.IsValid() {
		return errors.New("the trace id and the span id should not be missing or zero")
	}
	config.TraceFlags = trace.TraceFlags(p.GetFlags() & flagsMask)
	config.TraceState, s.Attributes = stateOf(p.GetTraceState(), s.Attributes)
	s.SpanContext = trace.NewSpanContext(config)
	parent := trace.SpanContextConfig{Remote: p.GetFlags()&isRemoteMask != 0}
	switch id := p.GetParentSpanId(); len(id) {
	case 0:
	case len(parent.SpanID):
		copy(parent.SpanID[:], id)
	default:
		return fmt.Errorf("the parent span id should have %d bytes, not %d", len(parent.SpanID), len(id))
	}
	if parent.SpanID.IsValid() {
		parent.TraceID, parent.TraceFlags, parent.TraceState = config.TraceID, config.TraceFlags, config.TraceState
	}
	s.Parent = trace.NewSpanContext(parent)
	return nil
}

const (
	flagsMask    = uint32(tracepb.SpanFlags_SPAN_FLAGS_TRACE_FLAGS_MASK)
	isRemoteMask = uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
)

// idsOf returns the two ids. They may be zero. An empty id is zero.
func idsOf(traceID, spanID []byte) (config trace.SpanContextConfig, err error) {
	if len(traceID) != len(config.TraceID) && len(traceID) > 0 {
		return config, fmt.Errorf("the trace id should have %d bytes, not %d", len(config.TraceID), len(traceID))
	}
	if len(spanID) != len(config.SpanID) && len(spanID) > 0 {
		return config, fmt.Errorf("the span id should have %d bytes, not %d", len(config.SpanID), len(spanID))
	}
	copy(config.TraceID[:], traceID)
	copy(config.SpanID[:], spanID)
	return config, nil
}

// TraceStateKey is the attribute with a trace state that is not valid, or not in the
// form in which the Go API writes it. A trace.TraceState cannot hold such a text.
const TraceStateKey = attribute.Key("osprofiler.otlp.trace_state")

// stateOf returns the trace state. If a trace.TraceState cannot represent the text exactly,
// stateOf adds the text to the attributes.
func stateOf(text string, attrs []attribute.KeyValue) (trace.TraceState, []attribute.KeyValue) {
	state, err := trace.ParseTraceState(text)
	if err != nil || state.String() != text {
		attrs = append(attrs, TraceStateKey.String(text))
	}
	return state, attrs
}

func kindOf(k tracepb.Span_SpanKind) trace.SpanKind {
	if k < tracepb.Span_SPAN_KIND_INTERNAL || k > tracepb.Span_SPAN_KIND_CONSUMER {
		return trace.SpanKindUnspecified
	}
	return trace.SpanKind(k)
}

func statusOf(p *tracepb.Status) (st sdktrace.Status) {
	st.Description = p.GetMessage()
	switch p.GetCode() {
	case tracepb.Status_STATUS_CODE_OK:
		st.Code = codes.Ok
	case tracepb.Status_STATUS_CODE_ERROR:
		st.Code = codes.Error
	}
	return st
}

// timesOf returns the start and the end of a span. The end may be before the start,
// because clocks are set back. A span that was made from notifications may have no times,
// because notifications may lack a time.
func timesOf(p *tracepb.Span, ofNotifications bool) (start, end time.Time, err error) {
	from, to := p.GetStartTimeUnixNano(), p.GetEndTimeUnixNano()
	if to == 0 && !ofNotifications {
		return start, end, errors.New("the end time is missing; a span should be sent when it has ended")
	}
	if end, err = timeOf("the end time", to); err != nil {
		return start, end, err
	}
	start, err = timeOf("the start time", from)
	return start, end, err
}

func timeOf(what string, nanoseconds uint64) (time.Time, error) {
	if nanoseconds > math.MaxInt64 {
		return time.Time{}, fmt.Errorf("%s %d is after the year 2262, the last that 64-bit nanoseconds reach", what, nanoseconds)
	}
	return time.Unix(0, int64(nanoseconds)).UTC(), nil
}

func eventsOf(list []*tracepb.Span_Event) ([]sdktrace.Event, error) {
	events := make([]sdktrace.Event, 0, len(list))
	for _, p := range list {
		at, err := timeOf("the time of an event", p.GetTimeUnixNano())
		if err != nil {
			return nil, err
		}
		attrs, err := Attributes(p.GetAttributes())
		if err != nil {
			return nil, err
		}
		events = append(events, sdktrace.Event{
			Name: p.GetName(), Time: at, Attributes: attrs, DroppedAttributeCount: int(p.GetDroppedAttributesCount()),
		})
	}
	return events, nil
}

func linksOf(list []*tracepb.Span_Link) ([]sdktrace.Link, error) {
	links := make([]sdktrace.Link, 0, len(list))
	for _, p := range list {
		config, err := idsOf(p.GetTraceId(), p.GetSpanId())
		if err != nil {
			return nil, fmt.Errorf("in a link, %w", err)
		}
		attrs, err := Attributes(p.GetAttributes())
		if err != nil {
			return nil, err
		}
		config.TraceFlags = trace.TraceFlags(p.GetFlags() & flagsMask)
		config.Remote = p.GetFlags()&isRemoteMask != 0
		config.TraceState, attrs = stateOf(p.GetTraceState(), attrs)
		links = append(links, sdktrace.Link{
			SpanContext: trace.NewSpanContext(config), Attributes: attrs, DroppedAttributeCount: int(p.GetDroppedAttributesCount()),
		})
	}
	return links, nil
}

func scopeOf(p *tracepb.ScopeSpans) (instrumentation.Scope, error) {
	s := p.GetScope()
	attrs, err := Attributes(s.GetAttributes())
	scope := instrumentation.Scope{Name: s.GetName(), Version: s.GetVersion(), SchemaURL: p.GetSchemaUrl()}
	if len(attrs) > 0 {
		scope.Attributes = attribute.NewSet(attrs...)
	}
	return scope, err
}
