package osprofiler_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// parse parses a text that must be a notification.
func parse(t testing.TB, text string) osprofiler.Notification {
	t.Helper()
	n, err := osprofiler.ParseNotification(text)
	if err != nil {
		t.Fatalf("ParseNotification(%.200s): %v", text, err)
	}
	return n
}

// lines calls see for each line of a file.
func lines(t testing.TB, path string, see func(line string)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		see(s.Text())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
}

// fieldsOnly returns the notification without the text that it was parsed from.
func fieldsOnly(n osprofiler.Notification) osprofiler.Notification {
	return osprofiler.Notification{
		Name: n.Name, BaseID: n.BaseID, TraceID: n.TraceID, ParentID: n.ParentID,
		Timestamp: n.Timestamp, Info: n.Info, Project: n.Project, Service: n.Service,
	}
}

// Every notification that real OpenStack services wrote is written again byte for byte, both
// as parsed and from its fields alone. The latter shows that our writer writes the same text
// as Python.
func TestNotificationOfOpenStack(t *testing.T) {
	paths, err := filepath.Glob("reader/testdata/openstack/*.jsonl")
	if err != nil || len(paths) != 9 {
		t.Fatalf("found %d captures, want 9 (%v)", len(paths), err)
	}
	total := 0
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".jsonl"), func(t *testing.T) {
			lines(t, path, func(line string) {
				total++
				checkOpenStackLine(t, line)
			})
		})
	}
	if total != 1072 {
		t.Errorf("read %d notifications, want 1072", total)
	}
}

func checkOpenStackLine(t *testing.T, line string) {
	t.Helper()
	n := parse(t, line)
	if n.JSON() != line || string(n.AppendJSON([]byte("x"))) != "x"+line {
		t.Errorf("read and written again\n got %s\nwant %s", n.JSON(), line)
	}
	own := fieldsOnly(n)
	if own.JSON() != line {
		t.Errorf("written from the fields\n got %s\nwant %s", own.JSON(), line)
	}
	if !own.Equal(n) || own.Validate() != nil || n.Validate() != nil {
		t.Errorf("the fields alone are not the same valid notification: %s", line)
	}
	at, err := n.Time()
	if err != nil || osprofiler.FormatTime(at) != n.Timestamp {
		t.Errorf("timestamp %q -> %v -> %q (%v)", n.Timestamp, at, osprofiler.FormatTime(at), err)
	}
	for _, id := range []string{n.BaseID, n.TraceID, n.ParentID} {
		if u, ok := osprofiler.ParseUUID(id); !ok || u.String() != id {
			t.Errorf("id %q is no canonical UUID", id)
		}
	}
	if n.Operation()+"-"+n.Half().String() != n.Name {
		t.Errorf("%q is %v of %q", n.Name, n.Half(), n.Operation())
	}
	if n.Info.Host() == "" || n.Project == "" || n.Service == "" {
		t.Errorf("who sent it is missing: %s", line)
	}
}

// The infos of Python's tracing helpers are parsed and written unchanged. NewInfo makes the
// same text from the same values wherever Python's order is the sorted one.
func TestPayloadShapes(t *testing.T) {
	text, err := os.ReadFile("testdata/payload-shapes.json")
	if err != nil {
		t.Fatal(err)
	}
	shapes := 0
	for source, list := range pyjson.Members(strings.TrimSpace(string(text))) {
		for shape := range pyjson.Elements(list) {
			shapes++
			name, _ := pyjson.Get(shape, "name")
			raw, _ := pyjson.Get(shape, "info")
			n := osprofiler.Notification{
				Name: pyjson.Unquote(name), BaseID: "b", TraceID: "t", ParentID: "b",
				Timestamp: "2024-05-06T07:08:09.000010",
				Info:      osprofiler.Info(pyjson.Compact.Append(nil, raw)), Project: "p", Service: "s",
			}
			again := parse(t, n.JSON())
			if again.JSON() != n.JSON() || again.Info != n.Info || !pyjson.Equal(string(again.Info), raw) {
				t.Errorf("%s: %s came back as %s", source, n.JSON(), again.JSON())
			}
			_, hasEtype := n.Info.Get("etype")
			if n.Info.Failed() != hasEtype || n.Info.Host() != "host-1" {
				t.Errorf("%s: Failed %v, Host %q of %s", source, n.Info.Failed(), n.Info.Host(), n.Info)
			}
		}
	}
	if shapes != 18 {
		t.Errorf("saw %d shapes, want 18", shapes)
	}
}

// traceA returns the trace that was written to every back end. It has no project and service,
// because drivers add these.
func traceA(t testing.TB) (all []osprofiler.Notification) {
	t.Helper()
	text, err := os.ReadFile("testdata/trace-a.json")
	if err != nil {
		t.Fatal(err)
	}
	list, _ := pyjson.Get(strings.TrimSpace(string(text)), "notifications")
	for raw := range pyjson.Elements(list) {
		all = append(all, parse(t, raw))
	}
	return all
}

func TestTraceA(t *testing.T) {
	all := traceA(t)
	if len(all) != 8 {
		t.Fatalf("%d notifications, want 8", len(all))
	}
	var names []string
	for i := range all {
		names = append(names, all[i].Operation()+" "+all[i].Half().String())
	}
	want := []string{"wsgi start", "db start", "db stop", "neutron-api start", "neutron-api stop", "rpc start", "rpc stop", "wsgi stop"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	const text = `{"name": "rpc-stop", "base_id": "a0000000-0000-4000-8000-000000000001", ` +
		`"trace_id": "a0000000-0000-4000-8000-000000000005", "parent_id": "a0000000-0000-4000-8000-000000000002", ` +
		`"timestamp": "2024-05-06T07:08:09.007414", "info": {"etype": "ValueError", "message": "b\u00f6om", "host": "host-1"}, ` +
		`"project": "p", "service": "s"}`
	n := all[6]
	n.Project, n.Service = "p", "s"
	if !n.Equal(parse(t, text)) {
		t.Errorf("got %s", n.JSON())
	}
	own := fieldsOnly(n)
	own.Info = own.Info.With("host", `"host-1"`) // writes the blanks and escapes in Python's form
	if got := own.Info.Text("message"); got != "böom" {
		t.Errorf("message %q", got)
	}
	if !own.Equal(n) {
		t.Errorf("got %s", own.JSON())
	}
}

func TestNotificationFieldsOfWhatIsFound(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       osprofiler.Notification
	}{
		{"nothing", `{}`, osprofiler.Notification{}},
		{"nulls", `{"name": null, "base_id": null, "info": null, "project": null}`, osprofiler.Notification{Info: "null"}},
		{"numbers", `{"base_id": 12, "trace_id": -0.5e3, "parent_id": 18446744073709551616}`,
			osprofiler.Notification{BaseID: "12", TraceID: "-0.5e3", ParentID: "18446744073709551616"}},
		{"other types", `{"name": true, "timestamp": [1, 2], "service": {"a": 1}}`,
			osprofiler.Notification{Name: "true", Timestamp: "[1, 2]", Service: `{"a": 1}`}},
		{"repeated: the last counts", `{"name": "a", "name": "b", "info": {"x": 1}, "info": {"y": 2}}`,
			osprofiler.Notification{Name: "b", Info: `{"y": 2}`}},
		{"escaped keys", `{"\u006eame": "a\u002dstart", "b\u0061se_id": "\ud83d\ude00"}`,
			osprofiler.Notification{Name: "a-start", BaseID: "😀"}},
		{"blanks around", " \t\r\n{ \"name\" :\n\"a\" }\n", osprofiler.Notification{Name: "a"}},
		{"info is no object", `{"info": [1]}`, osprofiler.Notification{Info: "[1]"}},
		{"U+0000 and a lone surrogate", `{"name": "a\u0000b", "project": "x\ud800y"}`,
			osprofiler.Notification{Name: "a\x00b", Project: "x\xed\xa0\x80y"}},
		{"no UTF-8", "{\"name\": \"a\xffb\"}", osprofiler.Notification{Name: "a\uFFFDb"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := parse(t, test.text)
			if got := fieldsOnly(n); got != test.want {
				t.Errorf("got %#v\nwant %#v", got, test.want)
			}
			written := n.JSON()
			if strings.ContainsAny(written, "\r\n") {
				t.Errorf("%q is no one line", written)
			}
			if again := parse(t, written); !again.Equal(n) || again != n {
				t.Errorf("%s came back as %s", written, again.JSON())
			}
		})
	}
}

func TestParseNotificationErrors(t *testing.T) {
	for _, test := range []struct {
		text, want string
		syntax     int // the offset of the SyntaxError, -1 for none
	}{
		{``, `a notification should be a JSON object: invalid JSON at byte 0: the text ends too early`, 0},
		{`{"name": "a`, `a notification should be a JSON object: invalid JSON at byte 11: the text ends too early`, 11},
		{`{"name": "a"} x`, `a notification should be a JSON object: invalid JSON at byte 14: more text follows the value`, 14},
		{`{name: 1}`, `a notification should be a JSON object: invalid JSON at byte 1: a member's name in double quotes should stand here`, 1},
		{`{"a" 1}`, `a notification should be a JSON object: invalid JSON at byte 5: a colon should stand here`, 5},
		{`{"a": 01}`, `a notification should be a JSON object: invalid JSON at byte 6: a number has a leading zero`, 6},
		{`[1, 2]`, `a notification should be a JSON object, not "[1, 2]"`, -1},
		{`null`, `a notification should be a JSON object, not "null"`, -1},
		{`"` + strings.Repeat("é", 99) + `"`, `a notification should be a JSON object, not "\"` + strings.Repeat("é", 59) + `…"`, -1},
	} {
		n, err := osprofiler.ParseNotification(test.text)
		if err == nil || err.Error() != test.want {
			t.Errorf("ParseNotification(%.50q):\n got %v\nwant %s", test.text, err, test.want)
		}
		var syntax *osprofiler.SyntaxError
		if isSyntax := errors.As(err, &syntax); isSyntax != (test.syntax >= 0) || isSyntax && syntax.Offset != test.syntax {
			t.Errorf("ParseNotification(%.50q): SyntaxError %+v, want offset %d", test.text, syntax, test.syntax)
		}
		if n != (osprofiler.Notification{}) {
			t.Errorf("ParseNotification(%.50q) gave %s beside its error", test.text, n.JSON())
		}
	}
}

func TestChangeAfterParsing(t *testing.T) {
	const found = `{"extra": 1.0, "service": null, "name": "a-start", "name": "b-start", "parent_id": 7, "info": {"z": 1e2}, "base_id": "x"}`
	for _, test := range []struct {
		name   string
		change func(*osprofiler.Notification)
		want   string
	}{
		{"nothing", func(*osprofiler.Notification) {}, found},
		{"a repeated one, once, at its first place", func(n *osprofiler.Notification) { n.Name = "c-stop" },
			`{"extra": 1.0, "service": null, "name": "c-stop", "parent_id": 7, "info": {"z": 1e2}, "base_id": "x"}`},
		{"a null", func(n *osprofiler.Notification) { n.Service = "s" },
			`{"extra": 1.0, "service": "s", "name": "a-start", "name": "b-start", "parent_id": 7, "info": {"z": 1e2}, "base_id": "x"}`},
		{"a number", func(n *osprofiler.Notification) { n.ParentID = "8" },
			`{"extra": 1.0, "service": null, "name": "a-start", "name": "b-start", "parent_id": "8", "info": {"z": 1e2}, "base_id": "x"}`},
		{"a missing one", func(n *osprofiler.Notification) { n.Project, n.Timestamp = "p", "now" },
			`{"extra": 1.0, "service": null, "name": "a-start", "name": "b-start", "parent_id": 7, "info": {"z": 1e2}, "base_id": "x", "timestamp": "now", "project": "p"}`},
		{"info", func(n *osprofiler.Notification) { n.Info = n.Info.With("y", "[]") },
			`{"extra": 1.0, "service": null, "name": "a-start", "name": "b-start", "parent_id": 7, "info": {"z": 1e2, "y": []}, "base_id": "x"}`},
		{"info away", func(n *osprofiler.Notification) { n.Info = "" },
			`{"extra": 1.0, "service": null, "name": "a-start", "name": "b-start", "parent_id": 7, "info": {}, "base_id": "x"}`},
		{"the parent away", func(n *osprofiler.Notification) { n.ParentID = "" },
			`{"extra": 1.0, "service": null, "name": "a-start", "name": "b-start", "parent_id": null, "info": {"z": 1e2}, "base_id": "x"}`},
		{"there and back", func(n *osprofiler.Notification) { n.Name = "c"; n.Name = "b-start" }, found},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := parse(t, found)
			test.change(&n)
			if got := n.JSON(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if got := string(n.AppendJSON(nil)); got != test.want {
				t.Errorf("AppendJSON: got %s", got)
			}
			if again := parse(t, n.JSON()); fieldsOnly(again) != fieldsOnly(n) && n.Info != "" {
				t.Errorf("written, it reads %#v", again)
			}
		})
	}
}

func TestNotificationEqual(t *testing.T) {
	const a = `{"name": "a-start", "info": {"x": 1, "y": [1.5, "é"]}, "odd": null}`
	for _, test := range []struct {
		name, b string
		want    bool
	}{
		{"same text", a, true},
		{"another order, other escapes and blanks", `{"odd":null,"info":{"y":[15e-1,"\u00e9"],"x":1},"name":"\u0061-start"}`, true},
		{"another name", strings.Replace(a, "a-start", "a-stop", 1), false},
		{"an integer is no float", strings.Replace(a, `"x": 1`, `"x": 1.0`, 1), false},
		{"another element", strings.Replace(a, "1.5", "1.25", 1), false},
		{"a member less", `{"name": "a-start", "info": {"x": 1, "y": [1.5, "é"]}}`, false},
		{"a null member more", `{"name": "a-start", "info": {"x": 1, "y": [1.5, "é"]}, "odd": null, "z": null}`, false},
	} {
		x, y := parse(t, a), parse(t, test.b)
		if x.Equal(y) != test.want || y.Equal(x) != test.want {
			t.Errorf("%s: Equal is not %v both ways", test.name, test.want)
		}
	}
}

func TestPlain(t *testing.T) {
	const plain = `{"name": "a", "base_id": "b", "trace_id": "t", "parent_id": null, "timestamp": "", "info": {}, "project": null, "service": "s"}`
	for _, test := range []struct {
		name, text string
		want       bool
	}{
		{"as it should be", plain, true},
		{"another order", `{"service":"s","name":"a","base_id":"b","trace_id":"t","timestamp":"","info":{},"project":null,"parent_id":null}`, true},
		{"one missing", strings.Replace(plain, `, "service": "s"`, "", 1), false},
		{"one more", strings.Replace(plain, `{"name"`, `{"x": 1, "name"`, 1), false},
		{"one twice and one missing", strings.Replace(plain, `"service": "s"`, `"name": "a"`, 1), false},
		{"null for a text", strings.Replace(plain, `"name": "a"`, `"name": null`, 1), false},
		{"a text for null", strings.Replace(plain, `"project": null`, `"project": ""`, 1), false},
		{"a number", strings.Replace(plain, `"b"`, `12`, 1), false},
		{"info null", strings.Replace(plain, `{}`, `null`, 1), false},
	} {
		n := parse(t, test.text)
		if n.Plain() != test.want {
			t.Errorf("%s: Plain() is %v", test.name, n.Plain())
		}
		// An Info that is not an object is written unchanged, so the notification would be
		// equal here. But writing such an Info is not allowed: see Validate.
		own := fieldsOnly(n)
		if same := own.Equal(n) && own.Validate() == nil; same != test.want {
			t.Errorf("%s: made of the fields alone, Equal is %v", test.name, same)
		}
	}
	if made := (osprofiler.Notification{Name: "a"}); !made.Plain() {
		t.Error("a notification made of fields should be plain")
	}
}

// Size counts all texts that a notification keeps in memory.
func TestSize(t *testing.T) {
	n := osprofiler.Notification{Name: "a", BaseID: "bb", TraceID: "ccc", ParentID: "dddd", Timestamp: "eeeee", Info: "{     }", Project: "ff", Service: "g"}
	if n.Size() != 25 {
		t.Error(n.Size())
	}
	text := n.JSON()
	if p := parse(t, text); p.Size() != 25+len(text) {
		t.Error(p.Size())
	}
}

func TestHalfAndOperation(t *testing.T) {
	for _, test := range []struct {
		name, operation string
		half            osprofiler.Half
	}{
		{"wsgi-start", "wsgi", osprofiler.Start},
		{"wsgi-stop", "wsgi", osprofiler.Stop},
		{"neutron-api-start", "neutron-api", osprofiler.Start},
		{"start-start", "start", osprofiler.Start},
		{"stop-start", "stop", osprofiler.Start},
		{"start-stop", "start", osprofiler.Stop},
		{"-start", "", osprofiler.Start},
		{"nonstop", "nonstop", osprofiler.Stop}, // upstream recognises a stop by its last four letters
		{"stop", "stop", osprofiler.Stop},
		{"wsgi-Stop", "wsgi-Stop", osprofiler.Start},
		{"restart", "restart", osprofiler.Start},
		{"", "", osprofiler.Start},
	} {
		n := osprofiler.Notification{Name: test.name}
		if n.Half() != test.half || n.Operation() != test.operation {
			t.Errorf("%q: %v of %q, want %v of %q", test.name, n.Half(), n.Operation(), test.half, test.operation)
		}
	}
}

func TestNotificationThroughEncodingJSON(t *testing.T) {
	type envelope struct {
		One  osprofiler.Notification
		Many []osprofiler.Notification
	}
	n := parse(t, `{"name": "a-start", "odd": [1e3, 9007199254740993], "info": {"t": "<&>\u2028é"}}`)
	own := osprofiler.Notification{Name: "b-stop", Info: `{"host": "h"}`}
	text, err := json.Marshal(envelope{n, []osprofiler.Notification{own}})
	if err != nil {
		t.Fatal(err)
	}
	var back envelope
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !back.One.Equal(n) || len(back.Many) != 1 || !back.Many[0].Equal(own) {
		t.Errorf("%s came back as %s, %v", text, back.One.JSON(), back.Many)
	}
	if err := json.Unmarshal([]byte(`{"One": 3}`), &back); err == nil || !strings.Contains(err.Error(), `not "3"`) {
		t.Errorf("a number as a notification: %v", err)
	}
	if _, err := json.Marshal(parse(t, `{"info": {"x": NaN}}`)); err == nil {
		t.Error("encoding/json should refuse NaN")
	}
}

func TestMember(t *testing.T) {
	n := parse(t, `{"name": "a", "x": {"y": 1}, "x": 2, "service": null}`)
	n.Name = "é"
	for _, test := range []struct {
		key, want string
		ok        bool
	}{{"x", "2", true}, {"name", `"\u00e9"`, true}, {"service", "null", true}, {"project", "", false}} {
		if raw, ok := n.Member(test.key); raw != test.want || ok != test.ok {
			t.Errorf("Member(%q) = %q, %v", test.key, raw, ok)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		info osprofiler.Info
		want string // empty if the info is valid
	}{
		{``, ""}, {`{}`, ""}, {`{"a": NaN}`, ""},
		{`[]`, `notification "n" of "b": info should be a JSON object, not "[]"`},
		{`{"a": 1`, `notification "n" of "b": info should be a JSON object: invalid JSON at byte 7: the text ends too early`},
		{`{"a": 1}, "name": {}`, `notification "n" of "b": info should be a JSON object: invalid JSON at byte 8: more text follows the value`},
		{"{\n}", `notification "n" of "b": info should stand on one line`},
	} {
		n := osprofiler.Notification{Name: "n", BaseID: "b", Info: test.info}
		err := n.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("Info %q: got %v, want %q", test.info, err, test.want)
		}
	}
	found := parse(t, `{"info": null}`)
	if err := found.Validate(); err != nil {
		t.Errorf("what was found is written as found, so it is valid: %v", err)
	}
	found.Info = "[]"
	if found.Validate() == nil {
		t.Error("a changed info that is no object should be refused")
	}
}

// The time for a hostile, deeply nested notification grows linearly with its length, and its
// depth needs no stack.
func TestDeepNesting(t *testing.T) {
	deep := func(levels int) string {
		return `{"name": "a-start", "info": {"host": "h", "x": ` +
			strings.Repeat(`[{"k": `, levels/2) + "1" + strings.Repeat("}]", levels/2) + "}}"
	}
	const levels = 100_000
	text := deep(levels)
	n := parse(t, text)
	if n.Info.Host() != "h" || n.JSON() != text || n.Validate() != nil {
		t.Error("a deeply nested notification did not come through")
	}
	changed := n
	changed.Service = "s"
	changed.Info = changed.Info.With("y", "2").Without("host")
	if again := parse(t, changed.JSON()); !again.Equal(changed) || again.Equal(n) {
		t.Error("a changed one did not come through")
	}
	other := parse(t, strings.Replace(text, "1", "2", 1))
	if n.Equal(other) {
		t.Error("one that differs in its innermost value should not be equal")
	}
	if _, err := osprofiler.ParseNotification(text[:len(text)/2]); err == nil {
		t.Error("half of it should be refused")
	}
	// Ten times the depth should take about ten times as long. Quadratic time would be a
	// hundred times as long. The test compares the fastest of five runs, with a wide margin.
	small, big := fastest(deep(levels/10)), fastest(text)
	if big > 40*small+time.Millisecond {
		t.Errorf("%d levels took %v, a tenth of them %v", levels, big, small)
	}
}

func fastest(text string) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range 5 {
		began := time.Now()
		n, _ := osprofiler.ParseNotification(text)
		_ = n.JSON()
		least = min(least, time.Since(began))
	}
	return least
}
