package storetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file check that a notification is read back as the same JSON value.

func realTrace(ctx context.Context, stage *Stage) error {
	batch, err := traceA()
	return roundTrip(ctx, stage, batch, err)
}

func payloadShapes(ctx context.Context, stage *Stage) error {
	batch, err := shapes()
	return roundTrip(ctx, stage, batch, err)
}

// usual has the members of a sample that precede the members under test.
const usual = `{"name": "x-#-start", "base_id": "BASE", "trace_id": "T#", "parent_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "info": {"host": "h"}, "project": "p", "service": "s"`

func unknownMembers(ctx context.Context, stage *Stage) error {
	batch, err := parseAll(
		usual+`, "extra": {"a": [1, null, {"b": "c"}]}}`,
		usual+`, "extra": null}`,
		usual+`, "Name": "other", "NAME": "third"}`,
		usual+`, "_id": "mine", "id": 7, "_source": {}, "data": "text", "meta.raw_payload": 1, "$set": {"a": 1}}`,
		usual+`, "osp": {"name": "not mine"}, "osp_columns": {"name": "not mine", "project": 1}}`,
		usual+`, "osp_columns": "text"}`,
		usual+`, "": 1, "a.b": 2, "a b": 3, "\u0000": 4}`,
	)
	return roundTrip(ctx, stage, batch, err)
}

func oddMembers(ctx context.Context, stage *Stage) error {
	keys := []string{"name", "trace_id", "parent_id", "timestamp", "project", "service"}
	values := []string{"", "null", `""`, `" "`, `"null"`, `"None"`, "0", "7", "1.50", "1e3", "9007199254740993", "NaN", "true", "false", "[]", `["a"]`, "{}", `{"a": null}`}
	var samples []string
	for _, odd := range keys {
		for _, value := range values { // the empty value means a missing member
			sample := `{"base_id": "BASE", "info": {"host": "h", "n": #}`
			for _, key := range keys {
				switch {
				case key != odd:
					sample += fmt.Sprintf(`, "%s": "%s"`, key, key)
				case value != "":
					sample += fmt.Sprintf(`, "%s": %s`, key, value)
				}
			}
			samples = append(samples, sample+"}")
		}
	}
	batch, err := parseAll(samples...)
	return roundTrip(ctx, stage, batch, err)
}

func oddBaseID(ctx context.Context, stage *Stage) error {
	const text = `{"name": "x-start", "base_id": %s, "trace_id": "T", "parent_id": "P", "timestamp": "2024-05-06T07:08:09.000010", "info": {"n": 1}, "project": null, "service": null}`
	for _, raw := range []string{"5", "1.50", "9007199254740993", "true", `["a", 1]`, `{"a": 1}`} {
		number, err := osprofiler.ParseNotification(fmt.Sprintf(text, raw))
		if err != nil {
			return err
		}
		if err := roundTrip(ctx, stage, []osprofiler.Notification{number}, nil); err != nil {
			return err
		}
	}
	number, err := osprofiler.ParseNotification(fmt.Sprintf(text, "5"))
	if err != nil {
		return err
	}
	digits, err := osprofiler.ParseNotification(fmt.Sprintf(text, `"5"`))
	return roundTrip(ctx, stage, []osprofiler.Notification{number, digits}, err)
}

func noBaseID(ctx context.Context, stage *Stage) error {
	batch, err := parseAll(
		`{"name": "x-#-start", "trace_id": "T", "parent_id": "P", "timestamp": "2024-05-06T07:08:09.000010", "info": {"n": 1}, "project": null, "service": null}`,
		`{"name": "x-#-start", "base_id": null, "trace_id": "T", "parent_id": "P", "timestamp": "2024-05-06T07:08:09.000010", "info": {"n": 1}, "project": null, "service": null}`,
		`{"name": "x-#-start", "base_id": "", "trace_id": "T", "parent_id": "P", "timestamp": "2024-05-06T07:08:09.000010", "info": {"n": 1}, "project": null, "service": null}`,
		`{}`,
		`{"info": {"etype": "E"}}`,
	)
	return roundTrip(ctx, stage, batch, err)
}

func topLevelHost(ctx context.Context, stage *Stage) error {
	const start = `{"name": "x-#-start", "base_id": "BASE", "trace_id": "T#", "parent_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "project": "p", "service": "s", `
	batch, err := parseAll(
		start+`"info": {"host": "h"}, "host": "other"}`,
		start+`"info": {"host": "h"}, "host": "h"}`,
		start+`"info": {"host": "h"}, "host": null}`,
		start+`"info": {"host": "h"}, "host": ""}`,
		start+`"info": {"host": "h"}, "host": 5}`,
		start+`"info": {"host": "5"}, "host": 5}`,
		start+`"info": {"host": 5}, "host": "5"}`,
		start+`"info": {"host": 5}}`,
		start+`"info": {"host": null}}`,
		start+`"info": {"host": null}, "host": null}`,
		start+`"info": {"host": ""}}`,
		start+`"info": {"host": ""}, "host": ""}`,
		start+`"info": {"host": ["a"]}}`,
		start+`"info": {}, "host": "h"}`,
		start+`"info": {}, "host": null}`,
		start+`"host": "h"}`,
		start+`"info": null, "host": "h"}`,
		start+`"info": {"host": "h\u0000"}, "host": "h"}`,
		start+`"info": {"host": "`+strings.Repeat("h", 300)+`"}}`,
		start+`"info": {"host": "`+strings.Repeat("h", 300)+`"}, "host": "`+strings.Repeat("h", 300)+`"}`,
		start+`"info": {"host": "`+strings.Repeat("h", 300)+`"}, "host": "`+strings.Repeat("h", 255)+`"}`,
	)
	return roundTrip(ctx, stage, batch, err)
}

func oddInfo(ctx context.Context, stage *Stage) error {
	const start = `{"name": "x-#-start", "base_id": "BASE", "trace_id": "T#", "parent_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "project": "p", "service": "s"`
	batch, err := parseAll(
		start+`, "info": {}}`, start+`}`, start+`, "info": null}`, start+`, "info": ""}`, start+`, "info": "text"}`,
		start+`, "info": 5}`, start+`, "info": []}`, start+`, "info": [{"host": "h"}]}`, start+`, "info": {"info": {"info": null}}}`,
	)
	return roundTrip(ctx, stage, batch, err)
}

func numbers(ctx context.Context, stage *Stage) error {
	batch, err := withInfos(
		`{"n": 9007199254740993}`, `{"n": 18446744073709551616}`, `{"n": 1000000000000000000000000000000}`, `{"n": -9223372036854775809}`,
		`{"n": 0}`, `{"n": -1}`, `{"n": 0.0}`, `{"n": -0.0}`, `{"n": 1.0}`, `{"n": 1}`, `{"n": 0.1}`, `{"n": 1e+16}`, `{"n": 1e-05}`,
		`{"n": 5e-324}`, `{"n": 1.7976931348623157e+308}`, `{"n": 1.2345678901234568e+17}`,
		`{"n": NaN}`, `{"n": Infinity}`, `{"n": -Infinity}`, `{"n": [NaN, {"m": -Infinity}]}`, `{"n": true}`, `{"n": "1"}`, `{"n": "NaN"}`,
	)
	return roundTrip(ctx, stage, batch, err)
}

func characters(ctx context.Context, stage *Stage) error {
	var infos, samples []string
	for _, text := range []string{
		`\u0000`, `a\u0000b`, `\u0001\u001f\u007f\u0080\u009f`, `\ud800`, `\udc00`, `a\udfffb`, `\ud83d\ude00`, `😀`, `zażółć ✓`, `\u2028\u2029\ufeff\uffff`,
		`\"\\\/\b\f\n\r\t`, `<>&'`, `\u202eabc`, `שלום عليكم`, `e\u0301`, `é`, `\udbff\udfff`, `%00`, `\\u0000`, `\\ud800`,
	} {
		infos = append(infos, `{"text": "`+text+`"}`, `{"`+text+`": 1}`, `{"deep": [{"`+text+`": "`+text+`"}]}`)
		samples = append(samples, strings.ReplaceAll(`{"name": "?-#-start", "base_id": "BASE", "trace_id": "?", "parent_id": "?", "timestamp": "?", "info": {"host": "?"}, "project": "?", "service": "?", "host": "h?"}`, "?", text))
	}
	batch, err := withInfos(infos...)
	if err := roundTrip(ctx, stage, batch, err); err != nil {
		return err
	}
	batch, err = parseAll(samples...)
	return roundTrip(ctx, stage, batch, err)
}

func infoKeys(ctx context.Context, stage *Stage) error {
	batch, err := withInfos(
		`{"a.b": 1, "a": {"b": 2}}`, `{"$set": {"$a": 1}}`, `{"": 1}`, `{" ": 1, "  ": 2}`, `{".": 1, "..": 2, "a.": 3, ".a": 4}`,
		`{"_id": 1, "_source": 2, "@timestamp": 3, "__proto__": 4}`, `{"Key": 1, "key": 2, "KEY": 3}`, `{"`+strings.Repeat("k", 40_000)+`": 1}`,
		`{"name": "n", "base_id": "b", "trace_id": "t", "parent_id": "p", "timestamp": "x", "info": {}, "project": "q", "service": "s"}`,
		`{"meta.raw_payload.x-start": {}, "started": 1, "finished": 2, "exception": 3}`,
	)
	return roundTrip(ctx, stage, batch, err)
}

func deepInfo(ctx context.Context, stage *Stage) error {
	const levels = 10_000
	batch, err := withInfos(
		strings.Repeat(`{"a": `, levels)+"1"+strings.Repeat("}", levels),
		`{"list": `+strings.Repeat("[", levels)+strings.Repeat("]", levels)+"}",
	)
	return roundTrip(ctx, stage, batch, err)
}

func bigPayload(ctx context.Context, stage *Stage) error {
	batch := events(3)
	info, err := osprofiler.NewInfo(map[string]any{
		"db": map[string]any{"statement": strings.Repeat("SELECT 'é' ", 100_000), "params": []any{}}, "host": "h",
	})
	batch[1].Info = info
	return roundTrip(ctx, stage, batch, err)
}

func longTexts(ctx context.Context, stage *Stage) error {
	long := func(s string) string { return strings.Repeat(s, 300) }
	id := osprofiler.NewID() + long("b")
	var batch []osprofiler.Notification
	for i, end := range []string{"-start", "-stop"} {
		n := event(id, i)
		n.Name, n.TraceID, n.ParentID = long("n")+end, long("t"), long("p")
		n.Project, n.Service = long("q"), long("é")
		n.Info = n.Info.With("host", `"`+long("h")+`"`)
		batch = append(batch, n)
	}
	return roundTrip(ctx, stage, batch, nil)
}

func longIDsApart(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	var all []osprofiler.Notification
	start := strings.Repeat("b", 300)
	for _, id := range []string{start[:255], start[:256], start, start + "1", start + "2", start + "\x00", "b\x00", "b\uFFFD", "b\xed\xa0\x80"} {
		all = append(all, event(id, len(all)))
	}
	return apart(ctx, s, all)
}

func hostileText(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	var all []osprofiler.Notification
	for i, text := range []string{
		`'; DROP TABLE data; --`, `" OR "1"="1`, `*`, `?`, `[ab]*`, `%`, `_`, `\`, `\\`, `\"`, "line\nbreak\r\n", "tab\t", "😀", "مرحبا", "../../etc/passwd",
		`{"match_all": {}}`, `$where`, "a,b;c|d&e", "%s%n", "${x}", "`id`", " lead", "trail ", "osprofiler_opt:*", "NULL", "\u202e",
	} {
		n := event(text, i)
		n.Name, n.TraceID, n.ParentID, n.Project, n.Service = text+"-start", text, text, text, text
		info, err := osprofiler.NewInfo(map[string]any{text: text, "etype": text, "host": text})
		if err != nil {
			return err
		}
		n.Info = info
		all = append(all, n)
	}
	return apart(ctx, s, all)
}

// apart writes notifications of one trace each. It checks that each trace has exactly its own
// notification, and is listed as a separate trace.
func apart(ctx context.Context, s *store.Store, all []osprofiler.Notification) error {
	if err := s.Write(ctx, all); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	for _, n := range all {
		if err := holds(ctx, s, []osprofiler.Notification{n}); err != nil {
			return err
		}
	}
	return lists(ctx, s, store.Query{}, tracesOf(all)...)
}

func changedAfterParsing(ctx context.Context, stage *Stage) error {
	batch, err := parseAll(usual+`, "extra": 1}`, usual+`, "extra": 1}`, `{"name": 5, "base_id": "BASE", "info": {"a": 1}}`)
	if err != nil {
		return err
	}
	batch[0].Name, batch[0].Project = "changed-stop", ""
	batch[1].Info = `{"etype": "E", "host": "new"}`
	batch[2].Name, batch[2].Service = "now-text", "s"
	return roundTrip(ctx, stage, batch, nil)
}
