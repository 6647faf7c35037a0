// Package neterr classifies the errors of client libraries that talk to a
// server over a network, and explains them in one sentence.
//
// A client library wraps the error of a connection, and joins the errors of
// several attempts, such as those to connect to each of several hosts. The
// functions of this package look at all errors of such a tree. A back end looks
// first for an answer of the server, because the answer is more informative than the
// state of the connection.
package neterr
