// Package bridge is the API for applications. [Profiler] is OSProfiler's start and stop for
// Go. [Notifier] makes spans from notifications of other programs. [NewPropagators] and
// [NewSampler] let OpenTelemetry instrumentation take part in OSProfiler's signed traces on
// demand. [NewHandler] and [NewTransport] do the same for plain net/http.
//
// # Trusted traces
//
// OSProfiler traces a request because it came with a signature, and never at random. Here a
// verified signature makes a trace trusted: a private value in the context has the key that
// verified the signature, for that one trace. The sampler records trusted traces. The
// propagator signs the outgoing headers of trusted traces with that key. An unsigned request
// is served like any other, and its headers are never signed. A program begins its own trusted
// trace with [Profiler.Init].
//
// # Limitations
//
// Some ids cannot be derived from OTel's ids: a caller's base id that is not a UUID, and a
// parent id of which OTel's span id is only a part. They are passed on with OTel's ids, in a
// member of the W3C trace state of at most 256 characters. Longer texts stay in the context.
// Outgoing signed headers have them, but notifications of this service have derived ids
// instead.
package bridge
