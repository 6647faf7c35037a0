package tags

import (
	"math/bits"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A ParsedInfo holds the members of an info that this package knows. NewParsedInfo reads the
// info once, and the methods do not read it again. The zero ParsedInfo is that of an empty
// info.
type ParsedInfo struct {
	info     osprofiler.Info
	call     Call                // Function also stands for RPC
	raw      [memberCount]string // the known members as JSON texts; of a repeated member the last
	members  int                 // the number of members of the info, unknown ones included
	repeated bool                // a known member occurs twice
}

// The indices of the known members in ParsedInfo.raw.
const (
	indexRequest = iota
	indexRequests
	indexDB
	indexFunction
	indexHost
	indexEtype
	indexOpenStack
	indexMessaging
	memberCount
)

const (
	memberHost      = "host"
	memberOpenStack = "openstack"
	memberMessaging = "messaging"
)

// An Exact is a set of the members of an info that attributes represent fully.
type Exact uint8

// The members that attributes can represent.
const (
	ExactCall      Exact = 1 << iota // the member that describes the call
	ExactOpenStack                   // openstack
	ExactMessaging                   // messaging
)

// exactCall returns the set for the member that describes the call. It is empty if exact is
// false.
func exactCall(exact bool) Exact {
	if exact {
		return ExactCall
	}
	return 0
}

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

// onlyHost returns the JSON text of host if the info has no other member, has the form of the
// Python library, and has no escapes. Most stops have such an info.
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
	case memberOpenStack:
		return indexOpenStack
	case memberMessaging:
		return indexMessaging
	}
	return -1
}

// setCall sets the call after an object with members was found at the index. If there are
// several such objects, the first one in the order of the Python library decides: db, request,
// requests, function.
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

// Host returns the text of the member host. It is empty if there is no such member or if the
// member is not a string.
func (p *ParsedInfo) Host() string {
	host, _ := pyjson.Text(p.raw[indexHost])
	return host
}

// Failed reports whether the info reports an error, as [osprofiler.Info.Failed] does.
func (p *ParsedInfo) Failed() bool {
	return p.raw[indexEtype] != "" && p.raw[indexEtype] != "null"
}

// AppendStartAttributes appends the attributes of a start. exact has the members that the
// attributes represent fully.
func (p *ParsedInfo) AppendStartAttributes(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact Exact) {
	dst, callIsExact := p.appendCall(dst, call, c)
	dst, exact = p.appendCompanions(dst, c)
	return dst, exact | exactCall(callIsExact)
}

func (p *ParsedInfo) appendCall(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact bool) {
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

// AppendStopAttributes appends the attributes of a stop. exact has the member that describes
// the call if the attributes represent that member fully. With the old conventions exact is
// empty, because their attributes do not show to which member a result or a status belongs.
func (p *ParsedInfo) AppendStopAttributes(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact Exact) {
	dst, callIsExact := p.appendOutcome(dst, call, c)
	return dst, exactCall(callIsExact)
}

func (p *ParsedInfo) appendOutcome(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact bool) {
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

// Rest returns the info without the members that attributes represent fully. It
// returns the info itself if exact is empty.
func (p *ParsedInfo) Rest(call Call, exact Exact) osprofiler.Info {
	rest := p.info
	if exact&ExactCall != 0 {
		rest = rest.Without(call.member())
	}
	for i := range companions {
		if exact&companions[i].exact != 0 {
			rest = rest.Without(companions[i].member)
		}
	}
	return rest
}

// HasMore reports whether Rest(call, exact) has members other than host. It may
// return true for a Rest that has none, if a known member is repeated.
func (p *ParsedInfo) HasMore(exact Exact) bool {
	left := p.members - exact.len()
	if p.raw[indexHost] != "" {
		left--
	}
	return left > 0
}

// RestIsOnlyHost reports whether Rest(call, exact) has this host as its only member.
// It may return false for a Rest that has no other member, if a known member is
// repeated.
func (p *ParsedInfo) RestIsOnlyHost(exact Exact, host string) bool {
	return p.members-exact.len() == 1 && !p.repeated && host != "" && p.Host() == host
}

func (e Exact) len() int { return bits.OnesCount8(uint8(e)) }
