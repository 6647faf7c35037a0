package tags

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// appendFunction says the function of a traced call's start: name, and args
// and kwargs unless they are hidden, all of them strings.
func appendFunction(dst []attribute.KeyValue, call Call, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "name"}, {key: "args"}, {key: "kwargs"}}
	name, args, kwargs := &f[0], &f[1], &f[2]
	exact = scan(raw, f[:]) && name.exact &&
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
	// In the old set, the name alone does not tell that it is a function's.
	return dst, exact && (c.stable() || args.exact && kwargs.exact)
}

// appendResult says the function of a traced call's stop: result, a string.
func appendResult(dst []attribute.KeyValue, raw string, c Conventions) (_ []attribute.KeyValue, exact bool) {
	f := [...]field{{key: "result"}}
	exact = scan(raw, f[:]) && f[0].exact
	if c.stable() {
		dst = appendText(dst, ownResult, &f[0])
	}
	if c.old() && f[0].text != "" {
		dst = appendText(dst, pythonResult, &f[0])
	}
	return dst, exact && c.stable()
}

// appendFunctionInfo writes function with what is known of it. That of an RPC
// always has a name, because upstream's readers ask for it.
func appendFunctionInfo(dst []byte, call Call, attrs []attribute.KeyValue) []byte {
	f := readFunction(attrs)
	name := f.name
	if call == RPC {
		r := readRPC(attrs)
		name = r.name().or(name)
		name.ok = name.ok || r.known
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

// function is what attributes of any convention say of a function.
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
	if python.args.ok && python.kwargs.ok { // a name alone may be anybody's
		f = function{f.name.or(python.name), f.args.or(python.args), f.kwargs.or(python.kwargs)}
	}
	return f
}

// rpc is what attributes of any convention say of a remote call's method.
type rpc struct {
	known                     bool
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
			r.known = true
		}
	}
	return r
}

// name is the method's full name: service/method where they stand apart.
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

// appendResultInfo writes function with its result, if that is known.
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
