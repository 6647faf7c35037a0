// Package faults tests stores whose server fails. It exports many spans into the
// store during the failure, reads the store back, and checks the promises of
// every back end:
//
//   - Each span whose export returned nil is stored.
//   - Each exported span is either acknowledged or reported lost.
//   - No report shows a span twice.
//
// If a test fails, a file keeps the history of the spans that were exported, acknowledged
// and read. The test names the file.
//
// [Server.Test] runs all tests for one kind of server. Tests of other faults use
// an [Export].
package faults
