// Package python gives Python's answers: the answers of the Python library (osprofiler 4.4)
// about the traces of a store, even if an answer is wrong or an exception. The reports are
// the library's, key for key and number for number. An exception of the library is an
// [*ExceptionError]. docs/differences.md lists how the answers of package reader, the parent
// of this one, differ.
//
// [BuildReport] builds the library's report of one trace from its notifications. [Dot] draws
// the library's graph of a report. A [Reader] answers about the traces of a store. It lists
// them as Python's driver for the back end does. The store describes that driver.
//
// # Dependencies
//
// This package imports package reader, whose [reader.Report] it builds. Package reader does
// not import this package. So a program that does not need Python's answers does not contain
// this code.
//
// # Limitations
//
// The library fails at trees of about 500 levels; this package does not. An entry of the
// store that cannot be read is a warning here, while most of Python's drivers fail at it.
// Messages on the messaging bus are not consumed.
package python
