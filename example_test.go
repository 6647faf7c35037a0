package osprofiler_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

func Example() {
	n, err := osprofiler.ParseNotification(`{"name": "db-stop", "base_id": "a0000000-0000-4000-8000-000000000001",
		"trace_id": "a0000000-0000-4000-8000-000000000003", "parent_id": "a0000000-0000-4000-8000-000000000002",
		"timestamp": "2024-05-06T07:08:09.002478", "info": {"etype": "DBError", "message": null, "host": "host-1"},
		"project": "nova", "service": "api", "rack": 12}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n.Half(), "of", n.Operation(), "on", n.Info.Host())
	if n.Info.Failed() {
		fmt.Println("failed with", n.Info.Text("etype"))
	}
	n.Service = "compute"
	rack, _ := n.Member("rack")
	fmt.Println(n.Service, rack)
	// Output:
	// stop of db on host-1
	// failed with DBError
	// compute 12
}

func ExampleParseNotification() {
	_, err := osprofiler.ParseNotification(`{"name": "db-start", "base_id": `)
	fmt.Println(err)
	var syntax *osprofiler.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println("byte", syntax.Offset)
	}
	// Output:
	// a notification should be a JSON object: invalid JSON at byte 32: the text ends too early
	// byte 32
}

func ExampleNotification_JSON() {
	n := osprofiler.Notification{
		Name:      "wsgi-start",
		BaseID:    "a0000000-0000-4000-8000-000000000001",
		TraceID:   "a0000000-0000-4000-8000-000000000002",
		ParentID:  "a0000000-0000-4000-8000-000000000001",
		Timestamp: osprofiler.FormatTime(time.Date(2024, 5, 6, 7, 8, 9, 10_000, time.UTC)),
		Info:      `{"host": "host-1"}`,
		Project:   "nova",
	}
	fmt.Println(n.JSON())
	// Output:
	// {"name": "wsgi-start", "base_id": "a0000000-0000-4000-8000-000000000001", "trace_id": "a0000000-0000-4000-8000-000000000002", "parent_id": "a0000000-0000-4000-8000-000000000001", "timestamp": "2024-05-06T07:08:09.000010", "info": {"host": "host-1"}, "project": "nova", "service": null}
}

func ExampleNotification_AppendJSON() {
	n, _ := osprofiler.ParseNotification(`{"base_id":"x","later":1e3}`)
	line := append(n.AppendJSON(nil), '\n') // as it was found
	n.BaseID = "y"
	line = n.AppendJSON(line) // what was changed, and all else as it was
	fmt.Println(string(line))
	// Output:
	// {"base_id":"x","later":1e3}
	// {"base_id": "y", "later": 1e3}
}

func ExampleNotification_Equal() {
	a, _ := osprofiler.ParseNotification(`{"name": "a-start", "info": {"x": 1, "y": "\u00e9"}}`)
	b, _ := osprofiler.ParseNotification(`{"info":{"y":"é","x":1},"name":"a-start"}`)
	fmt.Println(a.Equal(b))
	// Output: true
}

func ExampleNotification_Plain() {
	n, _ := osprofiler.ParseNotification(`{"name": "a-start", "rack": 12}`)
	fmt.Println(n.Plain()) // members are missing, and one is unknown
	// Output: false
}

func ExampleNotification_Member() {
	n, _ := osprofiler.ParseNotification(`{"name": "a-start", "rack": [12, "b"]}`)
	fmt.Println(n.Member("rack"))
	// Output: [12, "b"] true
}

func ExampleNotification_Validate() {
	n := osprofiler.Notification{Name: "a-start", BaseID: "x", Info: `{"host": `}
	fmt.Println(n.Validate())
	// Output: notification "a-start" of "x": info should be a JSON object: invalid JSON at byte 9: the text ends too early
}

func ExampleNotification_Time() {
	n := osprofiler.Notification{Timestamp: "2024-05-06T09:08:09.25+02:00"}
	fmt.Println(n.Time())
	// Output: 2024-05-06 07:08:09.25 +0000 UTC <nil>
}

func ExampleNotification_Operation() {
	n := osprofiler.Notification{Name: "neutron-api-stop"}
	fmt.Println(n.Operation(), n.Half())
	// Output: neutron-api stop
}

func ExampleNewInfo() {
	info, err := osprofiler.NewInfo(map[string]any{
		"host": "host-1",
		"db":   map[string]any{"statement": "SELECT ?", "params": []any{1, 2.0, "é"}},
	})
	fmt.Println(info, err)
	// Output: {"db": {"params": [1, 2.0, "\u00e9"], "statement": "SELECT ?"}, "host": "host-1"} <nil>
}

func ExampleInfo_Members() {
	info := osprofiler.Info(`{"function": {"name": "f"}, "host": "host-1"}`)
	for key, raw := range info.Members() {
		fmt.Println(key, raw)
	}
	// Output:
	// function {"name": "f"}
	// host "host-1"
}

func ExampleInfo_Get() {
	info := osprofiler.Info(`{"message": null, "host": "host-1"}`)
	fmt.Println(info.Get("message"))
	fmt.Println(info.Get("etype"))
	fmt.Println(info.Text("host"), info.Has("etype"))
	// Output:
	// null true
	//  false
	// host-1 false
}

func ExampleInfo_With() {
	info := osprofiler.Info(`{"x": 1, "host": "host-1"}`)
	fmt.Println(info.With("x", "[2]").With("y", "null"))
	fmt.Println(info.Without("x"))
	// Output:
	// {"x": [2], "host": "host-1", "y": null}
	// {"host": "host-1"}
}

func ExampleInfo_Failed() {
	fmt.Println(osprofiler.Info(`{"etype": "KeyError", "message": "'x'"}`).Failed())
	fmt.Println(osprofiler.Info(`{"host": "host-1"}`).Failed())
	// Output:
	// true
	// false
}

func ExampleInfo_Validate() {
	fmt.Println(osprofiler.Info(`[1, 2]`).Validate())
	// Output: info should be a JSON object, not "[1, 2]"
}

func ExampleFormatTime() {
	fmt.Println(osprofiler.FormatTime(time.Date(2024, 5, 6, 9, 8, 9, 123_456_789, time.FixedZone("", 2*3600))))
	// Output: 2024-05-06T07:08:09.123456
}

func ExampleParseTime() {
	fmt.Println(osprofiler.ParseTime("2024-05-06T07:08:09.000010"))
	_, err := osprofiler.ParseTime("yesterday")
	fmt.Println(err)
	// Output:
	// 2024-05-06 07:08:09.00001 +0000 UTC <nil>
	// timestamp "yesterday" should read like 2006-01-02T15:04:05.000000
}

func ExampleParseUUID() {
	u, ok := osprofiler.ParseUUID("urn:uuid:{BD1F8A526C3E4F5F9C0A3C9C6D2E1A01}")
	fmt.Println(u, ok)
	// Output: bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01 true
}

func ExampleUUIDOf() {
	fmt.Println(osprofiler.UUIDOf("BD1F8A526C3E4F5F9C0A3C9C6D2E1A01"))
	fmt.Println(osprofiler.UUIDOf("req-1")) // no UUID, but always the same sixteen bytes
	// Output:
	// bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01
	// 9456bdfa-12ea-7695-9c94-a3572f5d91c7
}

func ExampleTraceIDOf() {
	traceID := osprofiler.TraceIDOf("bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01")
	fmt.Printf("%x %s\n", traceID, osprofiler.BaseIDOf(traceID))
	// Output: bd1f8a526c3e4f5f9c0a3c9c6d2e1a01 bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01
}

func ExampleSpanIDOf() {
	fmt.Printf("%x\n", osprofiler.SpanIDOf("0f3b7c7e-1a2b-4c3d-8e4f-5a6b7c8d9e02"))
	// Output: 8e4f5a6b7c8d9e02
}

func ExampleIDOf() {
	traceID := osprofiler.TraceIDOf("bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01")
	fmt.Println(osprofiler.IDOf(traceID, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}))
	// Output: bd1f8a52-6c3e-4f5f-0102-030405060708
}

func ExampleNewID() {
	_, ok := osprofiler.ParseUUID(osprofiler.NewID())
	fmt.Println(ok)
	// Output: true
}

func ExampleTraceInfo_Pack() {
	info, mac := osprofiler.TraceInfo{BaseID: "x", ParentID: "y"}.Pack("SECRET_KEY")
	fmt.Printf("%s: %s\n%s: %s\n", osprofiler.HeaderTraceInfo, info, osprofiler.HeaderTraceHMAC, mac)
	// Output:
	// X-Trace-Info: eyJiYXNlX2lkIjogIngiLCAicGFyZW50X2lkIjogInkifQ==
	// X-Trace-HMAC: 9bda74b30eb099f2bf6f453c58170b8d8d7911cc
}

func ExampleParseKeys() {
	keys, warnings, err := osprofiler.ParseKeys("\uFEFFnew-key, old-key\n")
	fmt.Println(keys, err)
	fmt.Println(warnings)
	// Output:
	// [new-key old-key] <nil>
	// [a byte order mark before an HMAC key was dropped; save the keys as UTF-8 without it]
}

func ExampleUnpackTraceInfo() {
	info, mac := osprofiler.TraceInfo{BaseID: "x", ParentID: "y"}.Pack("new-key")
	keys, _, err := osprofiler.ParseKeys("old-key, new-key")
	if err != nil {
		fmt.Println(err)
	}
	got, key, err := osprofiler.UnpackTraceInfo(info, mac, keys)
	fmt.Println(got.BaseID, got.ParentID, key, err)
	_, _, err = osprofiler.UnpackTraceInfo(info, mac, keys[:1])
	fmt.Println(err)
	// Output:
	// x y new-key <nil>
	// the trace info is not signed with one of the HMAC keys: none of the HMAC keys fits
}
