package tags_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// An outline tells what the info tells, however that is written.
func TestOutlineTellsWhatTheInfoTells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkOutline(t, rapid.OneOf(genStart, genStop).Draw(t, "info"))
	})
	for _, info := range []osprofiler.Info{
		"", "{}", `{"host": "h"}`, `{"host":"h"}`, `{"host": "h" }`, `{"host": ""}`, `{"host": "\u0068"}`, `{"host": null}`, `{"host": 1}`,
		`{"host": "h", "host": "i"}`, `{"host": "h", "x": "}"}`, `{"host": "h\""}`, `{"host": "\\"}`, `{"host": ["h"]}`,
		`{"db": {"statement": "a", "params": []}, "host": "h", "db": {}}`, `{"etype": null, "host": "h"}`, `{"etype": "", "host": "h"}`,
	} {
		checkOutline(t, info)
	}
}

func checkOutline(t reporter, info osprofiler.Info) {
	o := tags.OutlineOf(info)
	if o.Host() != info.Host() || o.Failed() != info.Failed() {
		t.Fatalf("%s: host %q, failed: %v", info, o.Host(), o.Failed())
	}
	call := o.Call("rpc")
	for _, exact := range []bool{false, true} {
		if _, said := o.AppendStart(nil, call, tags.Stable); exact && !said {
			continue
		}
		rest := o.Rest(call, exact)
		members, host := 0, ""
		for key, raw := range rest.Members() {
			members++
			if key == "host" {
				host, _ = pyjson.Text(raw)
			}
		}
		if o.RestIsHost(exact, host) && (members != 1 || host == "") {
			t.Fatalf("%s: more than the host is left of it: %s", info, rest)
		}
		if o.RestIsHost(exact, host+"x") || o.RestIsHost(exact, "") {
			t.Fatalf("%s has another host", info)
		}
	}
}

// The two infos that nearly all operations of Python services have need no
// second look.
func TestRestIsHost(t *testing.T) {
	for _, info := range []osprofiler.Info{onlyHost, infoWSGI, infoRequests, infoDB} {
		o := tags.OutlineOf(info)
		call := o.Call("x")
		_, exact := o.AppendStart(nil, call, tags.Stable)
		if !o.RestIsHost(exact, info.Host()) {
			t.Error(info)
		}
	}
}

func ExampleOutlineOf() {
	o := tags.OutlineOf(`{"db": {"statement": "SELECT 1", "params": {}}, "host": "host-1"}`)
	call := o.Call("db")
	attrs, exact := o.AppendStart(nil, call, tags.Stable)
	fmt.Println(call, o.Host(), len(attrs), o.Rest(call, exact))
	// Output: database host-1 3 {"host": "host-1"}
}
