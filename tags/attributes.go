package tags

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// StartAttributes appends to dst the attributes of the info of an operation's start. The rest
// is the info without the members that the attributes represent exactly: the member of the
// call, openstack and messaging. The info must be valid. dst may be nil.
func StartAttributes(dst []attribute.KeyValue, call Call, info osprofiler.Info, c Conventions) (attrs []attribute.KeyValue, rest osprofiler.Info) {
	p := NewParsedInfo(info)
	attrs, exact := p.AppendStartAttributes(dst, call, c)
	return attrs, p.Rest(call, exact)
}

// StopAttributes is [StartAttributes] for the info of an operation's stop. With the old
// conventions every member stays in the rest, because the old attributes do not show to which
// member a result or a status belongs. etype and message also stay in the rest, for
// [FailureOfInfo].
func StopAttributes(dst []attribute.KeyValue, call Call, info osprofiler.Info, c Conventions) (attrs []attribute.KeyValue, rest osprofiler.Info) {
	p := NewParsedInfo(info)
	attrs, exact := p.AppendStopAttributes(dst, call, c)
	return attrs, p.Rest(call, exact)
}

// StartInfo is the inverse of [StartAttributes]. It returns an info with the one member that
// describes the call, as complete as the Python library writes it, and with openstack and
// messaging if they have attributes. If no attribute belongs to any of these members, it
// returns no info. The info never has a host.
func StartInfo(call Call, attrs []attribute.KeyValue) osprofiler.Info {
	return osprofiler.Info(AppendStartInfo(make([]byte, 0, 256), call, attrs))
}

// AppendStartInfo appends the text of [StartInfo]: a JSON object, or nothing.
func AppendStartInfo(dst []byte, call Call, attrs []attribute.KeyValue) []byte {
	from := len(dst)
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
	return appendCompanionsInfo(dst, from, attrs)
}

// StopInfo is the inverse of [StopAttributes]. It returns an info with the one member that has
// the outcome of the call. If no attribute describes the outcome, it returns no info. The info
// never has a host, etype or message; [Failure.Info] writes the latter two.
func StopInfo(call Call, attrs []attribute.KeyValue) osprofiler.Info {
	return osprofiler.Info(AppendStopInfo(make([]byte, 0, 64), call, attrs))
}

// AppendStopInfo appends the text of [StopInfo]: a JSON object, or nothing.
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

// Merge joins infos that were made from attributes (StartInfo, or StopInfo and [Failure.Info])
// with the rest. The members of the infos come first, in order, then the members of the rest.
// A member of the rest replaces a member of the infos with the same key. If the rest has
// etype, it has the whole failure, and the message of the infos is left out.
func Merge(rest osprofiler.Info, infos ...osprofiler.Info) osprofiler.Info {
	size, sources := len(rest)+2, 0
	var only osprofiler.Info
	for _, info := range infos {
		if info != "" {
			size += len(info)
			sources++
			only = info
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
	for _, info := range infos {
		for key, raw := range info.Members() {
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

// appendMember appends a member to an object that is not closed yet.
func appendMember(dst []byte, key, raw string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ", "...)
	}
	return append(append(pyjson.AppendString(dst, key), ": "...), raw...)
}
