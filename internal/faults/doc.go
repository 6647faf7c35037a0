// Package faults exports many spans into a store while its server fails, and
// reads back what is left of them. It holds what every back end promises then:
// each span whose export returned nil is there, acknowledged spans and those
// reported lost are all that were exported, and no report shows one twice.
//
// [Server.Test] puts a kind of server to the whole test; an [Export] makes a
// test of other troubles.
package faults
