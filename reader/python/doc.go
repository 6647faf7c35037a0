// Package python gives Python's answers: what the Python library (osprofiler
// 4.4) answers about the traces of a store, also where its answer is wrong or an
// exception. The reports are the library's, key for key and number for number. An
// exception of the library is an [*ExceptionError]. docs/differences.md lists how package
// reader, the parent of this one, answers instead.
//
// [BuildReport] builds the library's report of one trace from its notifications.
// [Dot] draws the library's graph of a report. A [Reader] answers about the traces
// of a store. It lists them as Python's driver for the back end does, which the
// store describes.
//
// # Dependencies
//
// This package imports package reader, whose [reader.Report] it builds. Package
// reader does not know this package, so that a program that does not ask for
// Python's answers does not contain them.
//
// # Limitations
//
// The library fails at trees of about 500 levels; this package does not. An entry
// of the store that cannot be read is a warning, while most of Python's drivers
// fail at it. The messaging bus is not consumed.
package python
