package tags

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A ParsedInfo holds the members of an info that this package knows. The info is
// read once, by NewParsedInfo, and the methods do not read it again. The zero
// ParsedInfo is that of an empty info.
type ParsedInfo struct {
	info     osprofiler.Info
	call     Call                // Function means RPC, too
	raw      [memberCount]string // the known members as JSON texts; of a repeated one the last
	members  int                 // how many members the info has, unknown ones too
	repeated bool                // a known member is there twice
}

// The indices of the known members in ParsedInfo.raw.
const (
	indexRequest = iota
	indexRequests
	indexDB
	indexFunction
	indexHost
	indexEtype
	memberCount
)

const memberHost = "host"

// NewParsedInfo reads an info, which must be valid.
func NewParsedInfo(info osprofiler.Info) (p ParsedInfo) {
	p.info = info
	if raw, ok := onlyHost(string(info)); ok {
		p.members, p.raw[indexHost] = 1, raw
		return p
	}
	for key, raw := range info.Members() {
		p.members++
		index := indexOfMember(key)
		if index < 0 {
			continue
		}
		p.repeated = p.repeated || p.raw[index] != ""
		p.raw[index] = raw
		if pyjson.KindOf(raw) == pyjson.Object && raw[pyjson.SkipSpace(raw, 1)] != '}' {
			p.setCall(index)
		}
	}
	return p
}

// onlyHost returns the JSON text of host if the info has no other member, is
// written as the Python library writes it, and has no escapes. Most stops have
// such an info.
func onlyHost(info string) (raw string, ok bool) {
	const before, behind = `{"host": `, `}`
	if !strings.HasPrefix(info, before) || !strings.HasSuffix(info, behind) {
		return "", false
	}
	raw = info[len(before) : len(info)-len(behind)]
	if len(raw) < 2 || raw[0] != '"' || strings.IndexByte(raw[1:], '"') != len(raw)-2 || strings.IndexByte(raw, '\\') >= 0 {
		return "", false
	}
	return raw, true
}

func indexOfMember(key string) int {
	switch key {
	case memberRequest:
		return indexRequest
	case memberRequests:
		return indexRequests
	case memberDB:
		return indexDB
	case memberFunction:
		return indexFunction
	case memberHost:
		return indexHost
	case memberEtype:
		return indexEtype
	}
	return -1
}

// setCall sets the call after an object with members was found at the index. Of
// several such objects the first counts in the order of the Python library: db,
// request, requests, function.
func (p *ParsedInfo) setCall(index int) {
	switch {
	case index == indexDB:
		p.call = DB
	case p.call == DB:
	case index == indexRequest:
		p.call = HTTPServer
	case index == indexRequests && p.call != HTTPServer:
		p.call = HTTPClient
	case index == indexFunction && p.call == Other:
		p.call = Function
	}
}

// Call returns the kind of call, as [CallOfInfo] does.
func (p *ParsedInfo) Call(operation string) Call {
	if p.call == Function && operation == operationRPC {
		return RPC
	}
	return p.call
}

// Host returns the text of the member host. It is empty if there is no such
// member or if the member is no string.
func (p *ParsedInfo) Host() string {
	host, _ := pyjson.Text(p.raw[indexHost])
	return host
}

// Failed reports whether the info reports an error, as [osprofiler.Info.Failed] does.
func (p *ParsedInfo) Failed() bool {
	return p.raw[indexEtype] != "" && p.raw[indexEtype] != "null"
}

// AppendStartAttributes appends the attributes of a start. exact reports whether
// they represent the member that describes the call fully.
func (p *ParsedInfo) AppendStartAttributes(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	raw, ok := p.object(call)
	if !ok {
		return dst, false
	}
	switch call {
	case HTTPServer:
		return appendRequest(dst, raw, c)
	case HTTPClient:
		return appendRequests(dst, raw, c)
	case DB:
		return appendQuery(dst, raw, c)
	default:
		return appendFunction(dst, call, raw, c)
	}
}

// AppendStopAttributes appends the attributes of a stop. exact reports whether
// they represent the member that describes the call fully. It is false for the
// old conventions, because their attributes do not tell to which member a result
// or a status belongs.
func (p *ParsedInfo) AppendStopAttributes(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	raw, ok := p.object(call)
	if !ok {
		return dst, false
	}
	switch call {
	case HTTPClient:
		return appendStatusCode(dst, raw, c)
	case DB:
		return appendOutcome(dst, raw, c)
	case RPC, Function:
		return appendResult(dst, raw, c)
	}
	return dst, false
}

// object returns the JSON text of the object that describes the call.
func (p *ParsedInfo) object(call Call) (raw string, ok bool) {
	if call != Other {
		raw = p.raw[indexOfMember(call.member())]
	}
	return raw, pyjson.KindOf(raw) == pyjson.Object
}

// Rest returns the info without the member that describes the call if exact is
// true, because the attributes then represent that member fully. Otherwise it
// returns the whole info.
func (p *ParsedInfo) Rest(call Call, exact bool) osprofiler.Info {
	if exact {
		return p.info.Without(call.member())
	}
	return p.info
}

// HasMore reports whether Rest(call, exact) has members other than host. It may
// return true for a Rest that has none, if a known member is repeated.
func (p *ParsedInfo) HasMore(exact bool) bool {
	left := p.members
	if exact {
		left--
	}
	if p.raw[indexHost] != "" {
		left--
	}
	return left > 0
}

// RestIsOnlyHost reports whether Rest(call, exact) has this host as its only member.
// It may return false for a Rest that has no other member, if a known member is
// repeated.
func (p *ParsedInfo) RestIsOnlyHost(exact bool, host string) bool {
	left := p.members
	if exact {
		left--
	}
	return left == 1 && !p.repeated && host != "" && p.Host() == host
}
