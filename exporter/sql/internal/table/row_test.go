package table

import (
	"database/sql"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// captured returns the rows that the Python library's driver wrote.
func captured(t testing.TB) (rows []Row) {
	t.Helper()
	text, err := os.ReadFile("testdata/rows.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatal(err)
		}
		var r Row
		for i, column := range columns {
			if value, ok := members[column].(string); ok {
				r.columns[i] = sql.NullString{String: value, Valid: true}
			}
		}
		r.data = sql.NullString{String: members["data"].(string), Valid: true}
		rows = append(rows, r)
	}
	if len(rows) != 16 {
		t.Fatalf("%d rows were captured, want 16", len(rows))
	}
	return rows
}

// Rows that the Python library wrote are read without parsing, and written back
// unchanged.
func TestCapturedRows(t *testing.T) {
	for _, r := range captured(t) {
		n, err := decode(&r)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&encoder{Alphabet: Unicode}).encode(&n); got != r {
			t.Errorf("%s\nis written as %+v\nwant          %+v", n.JSON(), got, r)
		}
		inner, _ := r.inner()
		if _, ok := r.plain(inner); !ok {
			t.Errorf("%s has to be parsed", n.JSON())
		}
		if (&Table{}).payload(&n) != inner {
			t.Errorf("payload is %s, want %s", (&Table{}).payload(&n), inner)
		}
	}
}

// rowOf makes a row from the columns of a test. nil is NULL, and an empty data
// stands for the usual data.
func rowOf(values map[string]any) Row {
	r := Row{data: sql.NullString{String: `"{\"info\": {\"host\": \"h\"}}"`, Valid: true}}
	usual := map[string]string{
		"timestamp": "2024-05-06T07:08:09.000010", "base_id": "B", "parent_id": "P", "trace_id": "T",
		"project": "p", "host": "h", "service": "s", "name": "x-start",
	}
	for i, column := range columns {
		r.columns[i] = sql.NullString{String: usual[column], Valid: true}
		if value, ok := values[column]; ok {
			text, valid := value.(string)
			r.columns[i] = sql.NullString{String: text, Valid: valid}
		}
	}
	if value, ok := values["data"]; ok {
		text, valid := value.(string)
		r.data = sql.NullString{String: text, Valid: valid}
	}
	return r
}

// Decode reads rows that the Python library or somebody else may have written.
func TestDecode(t *testing.T) {
	const (
		start = `{"timestamp": "2024-05-06T07:08:09.000010", "base_id": "B", "parent_id": "P", "trace_id": "T", "project": "p", `
		usual = start + `"service": "s", "name": "x-start", "info": {"host": "h"}}`
	)
	type values = map[string]any
	for _, c := range []struct {
		name   string
		values values
		want   string // the notification, or the error
	}{
		{"usual", values{}, usual},
		{"an object for data", values{"data": `{"info": {"host": "h"}}`}, usual},
		{"other blanks", values{"data": `  "\n{\"info\":{\"host\":\"h\"}}\n"  `}, usual},
		{"None for project", values{"project": nil}, strings.Replace(usual, `"p"`, "null", 1)},
		{"an empty project", values{"project": ""}, strings.Replace(usual, `"p"`, `""`, 1)},
		{"no name", values{"name": nil}, strings.Replace(usual, `"name": "x-start", `, "", 1)},
		{"no base id", values{"base_id": nil}, strings.Replace(usual, `"base_id": "B", `, "", 1)},
		{"another host", values{"host": "k"}, start + `"host": "k", "service": "s", "name": "x-start", "info": {"host": "h"}}`},
		{"None for host", values{"host": nil}, start + `"host": null, "service": "s", "name": "x-start", "info": {"host": "h"}}`},
		{"nothing in data", values{"data": `"{}"`, "host": nil}, start + `"service": "s", "name": "x-start"}`},
		{"data wins", values{"data": `"{\"name\": 5, \"host\": \"k\", \"info\": null}"`}, start + `"service": "s", "name": 5, "host": "k", "info": null}`},
		{"exact members", values{"data": `"{\"info\": {}, \"more\": 1, \"osp_columns\": {\"base_id\": 5}}"`}, `{"base_id": 5, "info": {}, "more": 1}`},
		{"osp_columns of somebody else", values{"data": `"{\"info\": {\"host\": \"h\"}, \"osp_columns\": 5}"`}, strings.TrimSuffix(usual, "}") + `, "osp_columns": 5}`},
		{"an odd timestamp", values{"timestamp": "yesterday"}, strings.Replace(usual, "2024-05-06T07:08:09.000010", "yesterday", 1)},
		{"bytes for a name", values{"name": "\xff"}, strings.Replace(usual, "x-start", "\uFFFD", 1)},
		{"NULL for data", values{"data": nil}, "the column data is NULL"},
		{"no JSON", values{"data": `{'info'}`}, "the column data: invalid JSON at byte 1: a member's name in double quotes should stand here"},
		{"no JSON in the string", values{"data": `"{'info'}"`}, "the text in the column data: invalid JSON at byte 1: a member's name in double quotes should stand here"},
		{"half", values{"data": `"{\"info\": {\"a\""`}, "the text in the column data: invalid JSON at byte 13: the text ends too early"},
		{"a number", values{"data": `5`}, "the column data should hold a JSON string"},
		{"a number in the string", values{"data": `"5"`}, "the text in the column data should be a JSON object"},
		{"empty", values{"data": ``}, "the column data: invalid JSON at byte 0: the text ends too early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rowOf(c.values)
			n, err := decode(&r)
			if !strings.HasPrefix(c.want, "{") {
				if err == nil || err.Error() != c.want {
					t.Errorf("got  %v\nwant %s", err, c.want)
				}
				return
			}
			if err != nil || !pyjson.Equal(n.JSON(), c.want) {
				t.Errorf("got  %s (%v)\nwant %s", n.JSON(), err, c.want)
			}
		})
	}
}

// drawNotification draws a notification from the values that JSON can have in
// the members that matter.
func drawNotification(t *rapid.T) osprofiler.Notification {
	long := strings.Repeat("é", 255)
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "h", "x-start", "x-stop", long, long + "1", long + "-start", "a\x00b", "\xed\xa0\x80", "2024-05-06T07:08:09.000010", "2024-05-06T07:08:09Z", "9999-12-31T23:59:59-23:00",
	}))
	value := func() string {
		if rapid.IntRange(0, 2).Draw(t, "kind") > 0 {
			return string(pyjson.AppendString(nil, texts.Draw(t, "text")))
		}
		return rapid.SampledFrom([]string{"null", "0", "1.50", "NaN", "true", "[]", `{"host": "h"}`, `{"host": 5, "etype": null}`, `{"\u0065type": "E"}`}).Draw(t, "value")
	}
	keys := append([]string{infoKey, infoKey, exactKey, "extra", "etype"}, columns[:]...)
	var o object
	for _, key := range rapid.SliceOfN(rapid.SampledFrom(keys), 0, 14).Draw(t, "keys") {
		switch {
		case key == infoKey && rapid.Bool().Draw(t, "usual"):
			o.add(key, `{"host": `+value()+"}")
		case key == exactKey:
			o.add(key, `{"name": `+value()+"}")
		default:
			o.add(key, value())
		}
	}
	n, err := osprofiler.ParseNotification(o.text())
	if err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "fields only") && n.Info.Validate() == nil {
		n = osprofiler.Notification{
			Name: n.Name, BaseID: n.BaseID, TraceID: n.TraceID, ParentID: n.ParentID,
			Timestamp: n.Timestamp, Info: n.Info, Project: n.Project, Service: n.Service,
		}
	}
	return n
}

// Every notification has a row that any of the databases can hold. Decoding
// that row yields the same JSON value.
func TestRowLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNotification(t)
		r := (&encoder{Alphabet: Unicode}).encode(&n)
		back, err := decode(&r)
		if err != nil || !back.Equal(n) {
			t.Fatalf("%s\nbecame %+v\nand came back as %s (%v)", n.JSON(), r, back.JSON(), err)
		}
		for i, c := range r.columns {
			most := widest
			if i == colTimestamp {
				most = 26
			}
			if utf8.RuneCountInString(c.String) > most || !utf8.ValidString(c.String) || strings.ContainsRune(c.String, 0) {
				t.Fatalf("%s: the column %s cannot hold %q", n.JSON(), columns[i], c.String)
			}
		}
		inner, err := r.inner()
		if err != nil || pyjson.KindOf(inner) != pyjson.Object || !json.Valid([]byte(r.data.String)) {
			t.Fatalf("%s: data is %s", n.JSON(), r.data.String)
		}
		if n.Info.Failed() && !strings.Contains(r.data.String, "etype") {
			t.Fatalf("%s: data does not show the etype: %s", n.JSON(), r.data.String)
		}
		if want := shortened(colBaseID, n.BaseID); r.columns[colBaseID] != want {
			t.Fatalf("%s: the base id is stored as %v and looked for as %v", n.JSON(), r.columns[colBaseID], want)
		}
	})
}

// A row that somebody else wrote decodes to a notification. Encoding and
// decoding that notification yields the same notification.
func TestForeignRowLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Row{data: text(rapid.SampledFrom([]string{
			`"{\"info\": {\"host\": \"h\"}}"`, `{"info": {"host": "h"}}`, `"{}"`, `"{\"info\": {}, \"name\": null}"`, `"{\"info\":{\"a\":1,\n\"host\":\"h\"}}"`,
		}).Draw(t, "data"))}
		for i := range r.columns {
			value := rapid.OneOf(rapid.String(), rapid.Just("h")).Draw(t, columns[i])
			r.columns[i] = sql.NullString{String: value, Valid: rapid.Bool().Draw(t, "valid")}
		}
		n, err := decode(&r)
		if err != nil {
			t.Fatal(err)
		}
		again := (&encoder{Alphabet: Unicode}).encode(&n)
		if back, err := decode(&again); err != nil || !back.Equal(n) {
			t.Fatalf("%+v says %s, which came back as %s (%v)", r, n.JSON(), back.JSON(), err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, r := range captured(f)[:3] {
		f.Add(r.columns[colName].String, "h", r.columns[colTimestamp].String, r.data.String)
	}
	f.Add("", "", "", `"{\"info\": {\"host\": \"\\ud800\"}, \"osp_columns\": {\"name\": 1}}"`)
	f.Add("", "", "", `{"info": null`)
	f.Fuzz(func(t *testing.T, name, host, timestamp, data string) {
		r := rowOf(map[string]any{"name": name, "host": host, "timestamp": timestamp, "data": data})
		n, err := decode(&r)
		if err != nil {
			return
		}
		if err := n.Validate(); err != nil {
			t.Fatalf("%+v gave a notification that cannot be written: %v", r, err)
		}
		again := (&encoder{Alphabet: Unicode}).encode(&n)
		if back, err := decode(&again); err != nil || !back.Equal(n) {
			t.Fatalf("%+v says %s, which came back as %s (%v)", r, n.JSON(), back.JSON(), err)
		}
	})
}

func TestShortened(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, c := range []struct {
		column int
		in     string
		want   string // "-" for NULL
	}{
		{colBaseID, "", ""},
		{colBaseID, long[:255], long[:255]},
		{colBaseID, long[:256], long[:238] + "~02d7160d77e18c64"},
		{colBaseID, strings.Repeat("é", 255), strings.Repeat("é", 255)},
		{colBaseID, "a\x00", "a\uFFFD~ffe9aaeaa2a2d504"},
		{colTraceID, "a\uFFFD", "a\uFFFD"},
		{colName, long + "-start", long[:232] + "~9835fa6bf4e20a9b-start"},
		{colName, long + "-stop", long[:233] + "~9835fa6bf4e20a9b-stop"},
		{colName, long[:249] + "-start", long[:249] + "-start"},
		{colProject, long, long[:255]},
		{colHost, "a\x00", "a\uFFFD"},
		{colTimestamp, "2024-05-06T07:08:09.000010", "2024-05-06T07:08:09.000010"},
		{colTimestamp, "2024-05-06 09:08:09.00001234+02:00", "2024-05-06T07:08:09.000012"},
		{colTimestamp, "9999-12-31T23:59:59-01:00", "-"},
		{colTimestamp, "yesterday", "-"},
		{colTimestamp, "", "-"},
	} {
		got := shortened(c.column, c.in)
		if want := (sql.NullString{String: strings.TrimPrefix(c.want, "-"), Valid: c.want != "-"}); got != want {
			t.Errorf("%s %.20q… is %v, want %v", columns[c.column], c.in, got, want)
		}
	}
}
