package tags

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// StartAttributes appends to dst what the attributes can say of the info of an
// operation's start. What they do not say exactly, host among it, is the rest,
// which is info itself where nothing was taken out. Info must be valid; dst may
// be nil.
func StartAttributes(dst []attribute.KeyValue, call Call, info osprofiler.Info, c Conventions) (attrs []attribute.KeyValue, rest osprofiler.Info) {
	o := OutlineOf(info)
	attrs, exact := o.AppendStart(dst, call, c)
	return attrs, o.Rest(call, exact)
}

// StopAttributes is [StartAttributes] for the info of an operation's stop. The
// old conventions leave every member in the rest, because their attributes do
// not tell whose result or status they are. etype and message stay in the rest
// too: they are [FailureOfInfo]'s.
func StopAttributes(dst []attribute.KeyValue, call Call, info osprofiler.Info, c Conventions) (attrs []attribute.KeyValue, rest osprofiler.Info) {
	o := OutlineOf(info)
	attrs, exact := o.AppendStop(dst, call, c)
	return attrs, o.Rest(call, exact)
}

// StartInfo is the inverse of [StartAttributes]: an info with the one member
// that describes the call, as complete as upstream writes it, or no info where
// the attributes say nothing of the call's start. It never has a host.
func StartInfo(call Call, attrs []attribute.KeyValue) osprofiler.Info {
	return osprofiler.Info(AppendStartInfo(make([]byte, 0, 256), call, attrs))
}

// AppendStartInfo appends the text of [StartInfo]: an object, or nothing.
func AppendStartInfo(dst []byte, call Call, attrs []attribute.KeyValue) []byte {
	switch call {
	case HTTPServer:
		h := readHTTP(attrs)
		dst = h.appendRequest(dst)
	case HTTPClient:
		h := readHTTP(attrs)
		dst = h.appendRequests(dst)
	case DB:
		dst = appendQueryInfo(dst, attrs)
	case RPC, Function:
		dst = appendFunctionInfo(dst, call, attrs)
	}
	return dst
}

// StopInfo is the inverse of [StopAttributes]: an info with the one member that
// tells the outcome of the call, or no info where the attributes tell none. It
// never has a host, nor etype and message: those are [Failure.Info]'s.
func StopInfo(call Call, attrs []attribute.KeyValue) osprofiler.Info {
	return osprofiler.Info(AppendStopInfo(make([]byte, 0, 64), call, attrs))
}

// AppendStopInfo appends the text of [StopInfo]: an object, or nothing.
func AppendStopInfo(dst []byte, call Call, attrs []attribute.KeyValue) []byte {
	switch call {
	case HTTPClient:
		dst = appendStatusCodeInfo(dst, attrs)
	case DB:
		dst = appendOutcomeInfo(dst, attrs)
	case RPC, Function:
		dst = appendResultInfo(dst, attrs)
	}
	return dst
}

// Merge joins what the attributes said (StartInfo, or StopInfo and
// [Failure.Info]) with the rest: their members come first, in order, then the
// rest's. A member of the rest replaces theirs; and a rest that has etype
// holds the whole failure, so that their message counts no more.
func Merge(rest osprofiler.Info, said ...osprofiler.Info) osprofiler.Info {
	size, sources := len(rest)+2, 0
	var only osprofiler.Info
	for _, s := range said {
		if s != "" {
			size += len(s)
			sources++
			only = s
		}
	}
	switch {
	case sources == 0:
		return rest
	case sources == 1 && rest == "":
		return only
	}
	dst := append(make([]byte, 0, size), '{')
	failed := rest.Has(memberEtype)
	for _, s := range said {
		for key, raw := range s.Members() {
			if !rest.Has(key) && !(failed && key == memberMessage) {
				dst = appendMember(dst, key, raw)
			}
		}
	}
	for key, raw := range rest.Members() {
		dst = appendMember(dst, key, raw)
	}
	return osprofiler.Info(append(dst, '}'))
}

// appendMember appends a member to an object whose bracket is open.
func appendMember(dst []byte, key, raw string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ", "...)
	}
	return append(append(pyjson.AppendString(dst, key), ": "...), raw...)
}
