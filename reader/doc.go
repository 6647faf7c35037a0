// Package reader answers questions about stored traces: the report of one
// trace ([Reader.Report]), the listings ([Reader.Traces], [Reader.ErrorTraces])
// and a trace as OpenTelemetry spans ([Reader.Spans]).
//
// [BuildReport] is the heart of it, and pure: a sequence of notifications goes
// in, a tree with times and statistics comes out. [ParseReport] reads a report
// that was saved as JSON, by this package or by the Python tool. Package
// reader/render writes either as JSON, text or a graph.
//
// # Two kinds of answers
//
// By default a report holds every notification exactly once, whatever the
// store holds: cycles, orphans, halves, duplicates, missing members and
// unreadable times are put in order and named in [Report.Warnings]. With
// [WithUpstreamAnswers] it is what the Python library (osprofiler 4.4) answers,
// key for key and number for number, and an [*UpstreamError] where that fails.
// docs/differences.md lists every difference.
//
// # Limits
//
// A report is held in memory, so memory grows with the trace that is read;
// never with the store. Times are whole milliseconds, as upstream's are.
package reader
