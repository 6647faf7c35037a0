package tags_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A ParsedInfo has the members of the info, whatever the layout of the info.
func TestParsedInfoAgreesWithInfo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkParsedInfo(t, rapid.OneOf(genStart, genStop).Draw(t, "info"))
	})
	for _, info := range []osprofiler.Info{
		"", "{}", `{"host": "h"}`, `{"host":"h"}`, `{"host": "h" }`, `{"host": ""}`, `{"host": "\u0068"}`, `{"host": null}`, `{"host": 1}`,
		`{"host": "h", "host": "i"}`, `{"host": "h", "x": "}"}`, `{"host": "h\""}`, `{"host": "\\"}`, `{"host": ["h"]}`,
		`{"db": {"statement": "a", "params": []}, "host": "h", "db": {}}`, `{"etype": null, "host": "h"}`, `{"etype": "", "host": "h"}`,
	} {
		checkParsedInfo(t, info)
	}
}

func checkParsedInfo(t reporter, info osprofiler.Info) {
	p := tags.NewParsedInfo(info)
	if p.Host() != info.Host() || p.Failed() != info.Failed() {
		t.Fatalf("%s: host %q, failed: %v", info, p.Host(), p.Failed())
	}
	call := p.Call("rpc")
	_, all := p.AppendStartAttributes(nil, call, tags.Stable)
	for _, exact := range []tags.Exact{0, tags.ExactCall, tags.ExactOpenStack, tags.ExactMessaging, all} {
		if exact&^all != 0 {
			continue
		}
		rest := p.Rest(call, exact)
		members, host := 0, ""
		for key, raw := range rest.Members() {
			members++
			if key == "host" {
				host, _ = pyjson.Text(raw)
			}
		}
		if p.RestIsOnlyHost(exact, host) && (members != 1 || host == "") {
			t.Fatalf("%s: more than the host is left of it: %s", info, rest)
		}
		if p.RestIsOnlyHost(exact, host+"x") || p.RestIsOnlyHost(exact, "") {
			t.Fatalf("%s has another host", info)
		}
	}
}

// RestIsOnlyHost is true for the infos of nearly all operations of Python services.
func TestRestIsOnlyHost(t *testing.T) {
	for _, info := range []osprofiler.Info{onlyHost, infoWSGI, infoRequests, infoDB} {
		p := tags.NewParsedInfo(info)
		call := p.Call("x")
		_, exact := p.AppendStartAttributes(nil, call, tags.Stable)
		if !p.RestIsOnlyHost(exact, info.Host()) {
			t.Error(info)
		}
	}
}

func ExampleNewParsedInfo() {
	p := tags.NewParsedInfo(`{"db": {"statement": "SELECT 1", "params": {}}, "host": "host-1"}`)
	call := p.Call("db")
	attrs, exact := p.AppendStartAttributes(nil, call, tags.Stable)
	fmt.Println(call, p.Host(), len(attrs), p.Rest(call, exact))
	// Output: database host-1 2 {"host": "host-1"}
}
