package tags

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An Outline is an info that was read once, for all that is asked of it then.
// The zero Outline is that of no info.
type Outline struct {
	info     osprofiler.Info
	call     Call           // Function stands for RPC, too
	raw      [places]string // the known members; of a repeated one the last
	members  int
	repeated bool // a known one is there twice
}

// The places of the known members in an Outline.
const (
	placeRequest = iota
	placeRequests
	placeDB
	placeFunction
	placeHost
	placeEtype
	places
)

const memberHost = "host"

// OutlineOf reads an info, which must be valid.
func OutlineOf(info osprofiler.Info) (o Outline) {
	o.info = info
	if raw, ok := onlyHost(string(info)); ok {
		o.members, o.raw[placeHost] = 1, raw
		return o
	}
	for key, raw := range info.Members() {
		o.members++
		place := placeOf(key)
		if place < 0 {
			continue
		}
		o.repeated = o.repeated || o.raw[place] != ""
		o.raw[place] = raw
		if pyjson.KindOf(raw) == pyjson.Object && raw[pyjson.SkipSpace(raw, 1)] != '}' {
			o.described(place)
		}
	}
	return o
}

// onlyHost finds the raw host of the info that most stops have, written as
// Python does and without escapes.
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

func placeOf(key string) int {
	switch key {
	case memberRequest:
		return placeRequest
	case memberRequests:
		return placeRequests
	case memberDB:
		return placeDB
	case memberFunction:
		return placeFunction
	case memberHost:
		return placeHost
	case memberEtype:
		return placeEtype
	}
	return -1
}

// described takes in that an object with members stands at the place. Upstream's
// order counts: db, request, requests, function.
func (o *Outline) described(place int) {
	switch {
	case place == placeDB:
		o.call = DB
	case o.call == DB:
	case place == placeRequest:
		o.call = HTTPServer
	case place == placeRequests && o.call != HTTPServer:
		o.call = HTTPClient
	case place == placeFunction && o.call == Other:
		o.call = Function
	}
}

// Call is [CallOfInfo].
func (o *Outline) Call(operation string) Call {
	if o.call == Function && operation == operationRPC {
		return RPC
	}
	return o.call
}

// Host is the text of the member host; nothing if it has none.
func (o *Outline) Host() string {
	host, _ := pyjson.Text(o.raw[placeHost])
	return host
}

// Failed is [osprofiler.Info.Failed].
func (o *Outline) Failed() bool {
	return o.raw[placeEtype] != "" && o.raw[placeEtype] != "null"
}

// AppendStart appends what the attributes can say of a start's info, and tells
// whether they say the member that describes the call exactly.
func (o *Outline) AppendStart(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	raw, ok := o.object(call)
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

// AppendStop is AppendStart for a stop's info. The old conventions say no
// member exactly, because their attributes do not tell whose result or status
// they are.
func (o *Outline) AppendStop(dst []attribute.KeyValue, call Call, c Conventions) (attrs []attribute.KeyValue, exact bool) {
	raw, ok := o.object(call)
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

// object finds the object that describes the call.
func (o *Outline) object(call Call) (raw string, ok bool) {
	if call != Other {
		raw = o.raw[placeOf(call.member())]
	}
	return raw, pyjson.KindOf(raw) == pyjson.Object
}

// Rest is the info, without the member that describes the call if the
// attributes say that exactly.
func (o *Outline) Rest(call Call, exact bool) osprofiler.Info {
	if exact {
		return o.info.Without(call.member())
	}
	return o.info
}

// RestIsHost tells whether the Rest, without the member that describes the call
// if the attributes say that exactly, is known to have one member only: this host.
func (o *Outline) RestIsHost(exact bool, host string) bool {
	left := o.members
	if exact {
		left--
	}
	return left == 1 && !o.repeated && host != "" && o.Host() == host
}
