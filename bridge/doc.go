// Package bridge is what applications call: OSProfiler's start and stop for Go
// ([Profiler]), notifications from anywhere made into spans ([Notifier]), and
// part in OSProfiler's signed, on-demand traces for OpenTelemetry
// instrumentation ([NewPropagators], [NewSampler]) and for plain net/http
// ([NewHandler], [NewTransport]).
//
// # Who is traced
//
// OSProfiler traces a request because it came with a signature, and never by
// chance. Here a verified signature is a private value in the context, bound to
// the one trace it vouches for. The sampler asks it whether to record, the
// propagator whether and with which key to sign what goes out. An unsigned
// request is served like any other, and nothing of it is ever signed. A program
// that begins a trace by itself says so by [Profiler.Init].
//
// # Limitations
//
// What a caller's ids read like (a base id that is no UUID, a parent with a
// UUID of its own) travels with OTel's ids in a member of the W3C trace state,
// of at most 256 characters. Longer texts stay in the context: outgoing signed
// headers have them, notifications of this service have derived ids instead.
package bridge
