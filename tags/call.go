package tags

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// Call is the kind of call that an operation is. It decides which member of the
// info and which attributes describe the operation.
type Call uint8

// The kinds of calls.
const (
	Other      Call = iota // no known member
	HTTPServer             // request
	HTTPClient             // requests
	DB                     // db
	RPC                    // function, of an operation named rpc
	Function               // function, of any other operation
)

// String returns the kind's name.
func (c Call) String() string {
	switch c {
	case HTTPServer:
		return "HTTP server"
	case HTTPClient:
		return "HTTP client"
	case DB:
		return "database"
	case RPC:
		return "RPC"
	case Function:
		return "function"
	default:
		return "other"
	}
}

// The members of an info that describe a call.
const (
	memberRequest  = "request"
	memberRequests = "requests"
	memberDB       = "db"
	memberFunction = "function"
)

// member returns the name of the info's member that describes the call. For Other it returns
// an empty name.
func (c Call) member() string {
	switch c {
	case HTTPServer:
		return memberRequest
	case HTTPClient:
		return memberRequests
	case DB:
		return memberDB
	case RPC, Function:
		return memberFunction
	default:
		return ""
	}
}

// SpanKind returns the span kind of such calls. It is Server for RPC, because OSProfiler's
// services trace the method that serves the call as rpc.
func (c Call) SpanKind() trace.SpanKind {
	switch c {
	case HTTPServer, RPC:
		return trace.SpanKindServer
	case HTTPClient, DB:
		return trace.SpanKindClient
	default:
		return trace.SpanKindInternal
	}
}

// Operation returns the name that OSProfiler gives to the operation of a span with these
// attributes: wsgi, http, https, db or rpc. It is empty if the operation has the span's own
// name. It is also empty if no attribute has the statement, the path or host, or the method of
// the call. An operation db without a statement would say nothing, and the span's name does
// (pool.acquire, sql.conn.ping).
func (c Call) Operation(attrs []attribute.KeyValue) string {
	if c.isBlank(attrs) {
		return ""
	}
	return c.KindName(attrs)
}

// KindName returns the name that OSProfiler gives to this kind of call, even if no attribute
// says what was called. It is empty for a kind without such a name.
func (c Call) KindName(attrs []attribute.KeyValue) string {
	switch c {
	case HTTPServer:
		return "wsgi"
	case HTTPClient:
		if schemeOf(attrs) == "https" {
			return "https"
		}
		return "http"
	case DB:
		return "db"
	case RPC:
		return operationRPC
	default:
		return ""
	}
}

const operationRPC = "rpc"

// CallOfInfo returns the kind of call for an operation and the info of its start or, if the
// start is missing, of its stop. If the info has several known members, the first one in the
// order of the Python library decides: db, request, requests, function. A member that is an
// empty object, or not an object, describes no call.
func CallOfInfo(operation string, info osprofiler.Info) Call {
	p := NewParsedInfo(info)
	return p.Call(operation)
}

// CallOfSpan returns the kind of call for a span's kind and attributes. The attributes may be
// those of the stable semantic conventions, of the older ones, or of the Python library's OTLP
// driver.
//
// A database client's span is DB even if the client uses HTTP. HTTP attributes count only for
// server and client spans, or if the kind is unspecified. An internal span, such as a
// router's, is a part of the call.
func CallOfSpan(kind trace.SpanKind, attrs []attribute.KeyValue) Call {
	var m marks
	for i := range attrs {
		m |= markOf(attrs[i].Key)
	}
	switch {
	case m&marksDB != 0 && kind != trace.SpanKindServer:
		return DB
	case m&marksRPC != 0:
		return RPC
	case m&marksHTTP != 0:
		if call := m.http(kind); call != Other {
			return call
		}
	}
	switch python := m&marksPython == marksPython; {
	case python && kind == trace.SpanKindServer, m&marksResult != 0 && kind == trace.SpanKindServer:
		return RPC
	case python, m&(marksFunction|marksResult) != 0:
		return Function
	}
	return Other
}

// marks is a set of facts that the keys of a span's attributes show.
type marks uint16

const (
	marksDB marks = 1 << iota
	marksRPC
	marksHTTP
	marksClient // of HTTP: only clients have the key
	marksServer
	marksURL      // of HTTP: clients have the key, servers rarely do
	marksFunction // a function's name
	marksResult   // our own keys of a function, except its name
	marksName     // the three keys of the Python library, each too common to decide alone
	marksArgs
	marksKwargs

	marksPython = marksName | marksArgs | marksKwargs
)

func markOf(key attribute.Key) marks {
	switch key {
	case keyDBQueryText, keyDBSystemName, keyDBQuerySummary, keyDBOperationName,
		oldDBStatement, oldDBSystem, oldDBOperation,
		ownDBParams, ownDBResult, ownDBOriginalException, ownDBChainedException:
		return marksDB
	case keyRPCMethod, keyRPCSystemName, oldRPCSystem, oldRPCService:
		return marksRPC
	case keyMethod, keyMethodOriginal, keyStatusCode, oldMethod, oldStatusCode:
		return marksHTTP
	case keyURLFull, oldHostname:
		return marksClient
	case keyURLPath, keyRoute, oldTarget, oldPath:
		return marksServer
	case oldURL:
		return marksURL
	case keyFunctionName, oldFunction:
		return marksFunction
	case ownArgs, ownKwargs, ownResult:
		return marksResult
	case pythonName:
		return marksName
	case pythonArgs:
		return marksArgs
	case pythonKwargs:
		return marksKwargs
	}
	return 0
}

func (m marks) http(kind trace.SpanKind) Call {
	switch kind {
	case trace.SpanKindServer:
		return HTTPServer
	case trace.SpanKindClient:
		return HTTPClient
	case trace.SpanKindUnspecified:
		switch {
		case m&marksClient != 0:
			return HTTPClient
		case m&marksServer != 0:
			return HTTPServer
		case m&marksURL != 0:
			return HTTPClient
		}
	}
	return Other
}
