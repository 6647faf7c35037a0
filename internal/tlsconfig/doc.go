// Package tlsconfig makes the TLS configuration of a client from the options of
// a connection string. The names and the meaning of the options differ between
// the Python libraries. So each back end reads its own options and fills [Options].
package tlsconfig
