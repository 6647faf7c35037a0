// Package reader reads stored traces: the report of one trace ([Reader.Report]), the listing
// of the traces ([Reader.Traces]) and a trace as OpenTelemetry spans ([Reader.Spans]).
//
// [BuildReport] builds a report from a sequence of notifications. It does no I/O.
// [ParseReport] reads a report that was saved as JSON, by this package or by the
// Python tool. Package reader/render writes reports as JSON, text or a graph.
//
// A report contains every notification exactly once, whatever the store contains. Cycles,
// orphans, missing halves, duplicates, missing members and unreadable timestamps are put in
// order and named in [Report.Warnings].
//
// # Python's answers
//
// Python's answer is the answer of the Python library (osprofiler 4.4) about the same store,
// key for key and number for number, or the exception that it raises. Package reader/python
// gives these answers. It imports this package for the types of a report. This package does
// not import it. docs/differences.md lists every difference between the two answers.
//
// # Limitations
//
// A report is held in memory, so memory grows with the trace that is read, but not
// with the store. The JSON has whole milliseconds, as in the Python library.
package reader
