// Package faults tests stores whose server fails. It exports many spans into the
// store during the failure, reads the store back, and checks the promises of
// every back end: each span whose export returned nil is stored; each exported
// span is either acknowledged or reported lost; and no report shows a span twice.
//
// If a test fails, the history of what was exported, acknowledged and read is kept in a
// file, which the test names.
//
// [Server.Test] runs all tests for one kind of server. Tests of other faults use
// an [Export].
package faults
