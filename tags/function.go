package tags

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// appendFunction appends the attributes of the member function of a start.
func appendFunction(dst []attribute.KeyValue, call Call, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := functionFields{{key: "name"}, {key: "args"}, {key: "kwargs"}}
	return f.append(dst, call, c, scan(raw, f[:]))
}

// functionFields has the fields name, args and kwargs, which are strings. args and kwargs are
// missing if they were hidden.
type functionFields [3]field

func (f *functionFields) append(dst []attribute.KeyValue, call Call, c Conventions, clean bool) (_ []attribute.KeyValue, exact bool) {
	name, args, kwargs := &f[0], &f[1], &f[2]
	exact = clean && name.exact &&
		(args.exact || args.missing()) && (kwargs.exact || kwargs.missing())
	if c.stable() {
		if call == RPC {
			dst = appendText(dst, keyRPCMethod, name)
		}
		dst = appendText(dst, keyFunctionName, name)
		dst = appendText(dst, ownArgs, args)
		dst = appendText(dst, ownKwargs, kwargs)
	}
	if c.old() {
		dst = appendText(dst, pythonArgs, args)
		dst = appendText(dst, pythonKwargs, kwargs)
		dst = appendText(dst, pythonName, name)
	}
	// In the old conventions, other instrumentation may also use the key of the name.
	return dst, exact && (c.stable() || args.exact && kwargs.exact)
}

// appendResult appends the attributes of the member function of a stop. Its field
// result is a string.
func appendResult(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "result"}}
	clean := scan(raw, f[:])
	return appendResultField(dst, &f[0], clean, c)
}

func appendResultField(dst []attribute.KeyValue, result *field, clean bool, c Conventions) (_ []attribute.KeyValue, exact bool) {
	if c.stable() {
		dst = appendText(dst, ownResult, result)
	}
	if c.old() && result.text != "" {
		dst = appendText(dst, pythonResult, result)
	}
	return dst, clean && result.exact && c.stable()
}

// appendFunctionInfo writes function with the fields that have attributes. The function of an
// RPC always has a name, because the Python library's readers need it. An RPC without an
// attribute for its method or its arguments has no function.
func appendFunctionInfo(dst []byte, call Call, attrs []attribute.KeyValue) []byte {
	f := readFunction(attrs)
	name := f.name
	if call == RPC {
		r := readRPC(attrs)
		name = r.name().or(name)
		name.ok = name.ok || r.present && (f.args.ok || f.kwargs.ok)
	}
	if !name.ok {
		return dst
	}
	dst = appendKeyText(append(dst, `{"function": {`...), "name", name.s)
	if f.args.ok {
		dst = appendKeyText(dst, "args", f.args.s)
	}
	if f.kwargs.ok {
		dst = appendKeyText(dst, "kwargs", f.kwargs.s)
	}
	return append(dst, "}}"...)
}

// A function has the attributes of a function, of any conventions.
type function struct{ name, args, kwargs text }

func readFunction(attrs []attribute.KeyValue) (f function) {
	var python function
	var namespace text
	for i := range attrs {
		switch v := &attrs[i].Value; attrs[i].Key {
		case keyFunctionName:
			f.name.set(v)
		case oldFunction:
			f.name.setAs(older, v)
		case oldNamespace:
			namespace.set(v)
		case ownArgs:
			f.args.set(v)
		case ownKwargs:
			f.kwargs.set(v)
		case pythonName:
			python.name.set(v)
		case pythonArgs:
			python.args.set(v)
		case pythonKwargs:
			python.kwargs.set(v)
		}
	}
	if f.name.rank == older && namespace.s != "" {
		f.name.s = namespace.s + "." + f.name.s
	}
	if python.args.ok && python.kwargs.ok { // other instrumentation may also use the key of the name
		f = function{f.name.or(python.name), f.args.or(python.args), f.kwargs.or(python.kwargs)}
	}
	return f
}

// An rpc has the attributes of a remote call's method, of any conventions.
type rpc struct {
	present                   bool // there are such attributes
	method, original, service text
}

func readRPC(attrs []attribute.KeyValue) (r rpc) {
	for i := range attrs {
		switch v := &attrs[i].Value; attrs[i].Key {
		case keyRPCMethod:
			r.method.set(v)
		case keyRPCMethodOriginal:
			r.original.set(v)
		case oldRPCService:
			r.service.set(v)
		case keyRPCSystemName, oldRPCSystem:
			r.present = true
		}
	}
	return r
}

// name returns the method's full name. It is service/method if both have attributes.
func (r *rpc) name() text {
	name := r.method
	if r.original.ok && name.s == methodOther {
		name = r.original
	}
	if r.service.s != "" && !strings.Contains(name.s, "/") {
		name.s = strings.TrimSuffix(r.service.s+"/"+name.s, "/")
	}
	name.ok = name.ok || r.service.ok
	return name
}

// appendResultInfo writes function with its result, if an attribute has the result.
func appendResultInfo(dst []byte, attrs []attribute.KeyValue) []byte {
	var result text
	for i := range attrs {
		if attrs[i].Key == ownResult {
			result.set(&attrs[i].Value)
		}
	}
	if !result.ok {
		return dst
	}
	dst = appendKeyText(append(dst, `{"function": {`...), "result", result.s)
	return append(dst, "}}"...)
}
