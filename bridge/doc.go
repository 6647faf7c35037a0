// Package bridge is the API for applications. [Profiler] is OSProfiler's start and
// stop for Go. [Notifier] makes spans of notifications from elsewhere.
// [NewPropagators] and [NewSampler] let OpenTelemetry instrumentation take part in
// OSProfiler's signed traces on demand. [NewHandler] and [NewTransport] do so for
// plain net/http.
//
// # Trusted traces
//
// OSProfiler traces a request because it came with a signature, and never by
// chance. Here a verified signature makes a trace trusted: a private value in the
// context has the key that verified it, for that one trace. The sampler records
// trusted traces. The propagator signs outgoing headers of trusted traces, with that
// key. An unsigned request is served like any other, and its headers are never
// signed. A program begins a trusted trace of its own by [Profiler.Init].
//
// # Limitations
//
// A caller's base id that is no UUID, and a parent id that OTel's span id cannot
// give back, travel with OTel's ids in a member of the W3C trace state, of at most
// 256 characters. Longer texts stay in the context: outgoing signed headers have
// them, but notifications of this service have derived ids instead.
package bridge
