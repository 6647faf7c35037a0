package tags

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// Call is the kind of call that an operation is: which member of the info
// describes it, and which attributes do.
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

// member is the info's member that describes the call; empty for Other.
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

// SpanKind is the kind of the spans of such calls. It is Server for RPC,
// because what OSProfiler's services trace as rpc is the method that serves it.
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

// Operation is the name that OSProfiler gives to the operation of a span with
// these attributes: wsgi, http or https, db, rpc; or nothing where the span's
// own name stands.
func (c Call) Operation(attrs []attribute.KeyValue) string {
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

// CallOfInfo tells the call by the members of an operation's info: of its
// start, or, where there is none, of its stop. Of several known members the
// first counts in upstream's order: db, request, requests, function. A member
// that is no object, or an empty one, describes no call.
func CallOfInfo(operation string, info osprofiler.Info) Call {
	o := OutlineOf(info)
	return o.Call(operation)
}

// CallOfSpan tells the call by a span's kind and attributes, of the stable
// semantic conventions, the older ones, or the Python library's OTLP output.
//
// A database's client is DB even where it speaks HTTP. HTTP counts for server
// and client spans only, unless the kind is unspecified; an internal span, such
// as a router's, is part of the call and not the call.
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
	switch pythons := m&marksPython == marksPython; {
	case pythons && kind == trace.SpanKindServer, m&marksResult != 0 && kind == trace.SpanKindServer:
		return RPC
	case pythons, m&(marksFunction|marksResult) != 0:
		return Function
	}
	return Other
}

// marks is what a span's keys hint at.
type marks uint16

const (
	marksDB marks = 1 << iota
	marksRPC
	marksHTTP
	marksClient // of HTTP: only clients say it
	marksServer
	marksURL      // of HTTP: clients say it, servers rarely
	marksFunction // a function's name
	marksResult   // what we say of a function besides its name
	marksName     // the three keys of the Python library, each too common to count alone
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
