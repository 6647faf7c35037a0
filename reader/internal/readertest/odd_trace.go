// Package readertest generates traces for the tests of the reader's packages.
package readertest

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// The values of members, including values that no program should write: every member may be
// missing, null or of another type. The first values of each list are usual ones.
var (
	oddIDs = []string{`"t1"`, `"t2"`, `"t3"`, `"t4"`, `"b"`, `1`, `1.0`, `"1"`, `true`, `false`, `0`, `-0`, `0.5`, `1e2`, `100`,
		`12345678901234567890`, `NaN`, `Infinity`, `null`, `""`, `[1]`, `{"a": 1}`, `"\ud800"`}
	oddNames = []string{`"a-start"`, `"a-stop"`, `"b-start"`, `"b-stop"`, `"x-y-start"`, `"x-y-stop"`, `"nonstop"`, `"db"`, `"-start"`, `""`,
		`"caf\u00e9-start"`, `null`, `5`, `["a-stop"]`, `{}`}
	oddTimes = []string{`"2024-05-06T07:08:09.%06d"`, `"2024-05-06T07:08:10.%06d"`, `"2023-02-28T23:59:59.%06d"`, `"1024-02-29T07:08:09.%06d"`,
		`"2024-05-06t07:8:9.1"`, `"2024-5- 6T7:08:09.12"`, `"2024-05-06T07:08:09"`, `"2024-05-06T07:08:09.1234567"`, `"2024-05-06T07:08:09.12Z"`,
		`"2024-05-06T07:08:60.1"`, `"2024-05-06T07:08:61.1"`, `"2024-05-06T07:08:62.1"`, `"2024-02-30T07:08:09.1"`, `"2023-02-29T07:08:09.000000"`, `"0000-05-06T07:08:09.1"`,
		`"2024-05-06T24:08:09.1"`, `"2024-13-06T04:08:09.1"`, `"2024-05-00T04:08:09.1"`, `" 2024-05-06T07:08:09.1"`, `"2024-05-06 07:08:09.1"`, `"2024-05-06T07:08:09.1 it's \"x\""`, `"it's\u0000\u2028\u007f\ud83d\ude00\n\r\u0085\u00ad\ue000"`, `"it's \"both\""`, `"tab\t\\ \u00e9\u200b"`,
		`"\u0662\u0660\u0662\u0664-05-06T07:08:09.1"`, `"2024-05-0\u0666T07:08:09.1"`, `"2024-05-1\u0666T07:08:09.1"`, `"2024-05-06T07:08:09.\u0661"`, `"2024-05-06T07:0\ud835\udfd9:09.1"`, `""`, `null`, `7`, `1.5`, `true`, `[]`}
	oddInfos = []string{`{"host": "h1"}`, `{"host": "h2", "etype": "E"}`, `{"etype": null, "host": "h1"}`, `{"etype": "", "host": ""}`,
		`{"host": null}`, `{"host": 7, "etype": {"a": [1]}}`, `{"host": ["h"], "deep": {"a": {"b": []}, "c": {}}}`, `{}`, `null`, `"host"`, `["host"]`, `5`, `1.5`, `true`}
	oddTexts = []string{`"nova"`, `"api"`, `null`, `""`, `5`, `["a"]`, `"z\u0142 \ud83d\ude00 \u007f"`}
)

// OddTrace generates a trace as a JSON list of notifications. oddness is the
// percentage of members that are odd. Most are usual, so that many traces have a
// report.
func OddTrace(oddness int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		pick := func(usual int, from []string, label string) string {
			if rapid.IntRange(0, 99).Draw(t, label+" is odd") >= oddness {
				from = from[:usual]
			}
			return rapid.SampledFrom(from).Draw(t, label)
		}
		var all []string
		for range rapid.IntRange(0, 12).Draw(t, "notifications") {
			members := []string{
				`"name": ` + pick(6, oddNames, "name"), `"base_id": "b"`,
				`"trace_id": ` + pick(4, oddIDs, "trace_id"), `"parent_id": ` + pick(5, oddIDs, "parent_id"),
			}
			at := pick(2, oddTimes, "timestamp")
			if strings.Contains(at, "%") {
				at = fmt.Sprintf(at, rapid.SampledFrom([]int{0, 1, 999, 1000, 1999, 5_500, 999_999}).Draw(t, "fraction"))
			}
			members = append(members, `"timestamp": `+at, `"info": `+pick(2, oddInfos, "info"),
				`"project": `+pick(1, oddTexts, "project"), `"service": `+pick(2, oddTexts, "service"))
			if rapid.IntRange(0, 99).Draw(t, "something is missing") < oddness/4 {
				i := rapid.IntRange(0, len(members)-1).Draw(t, "what")
				members = append(members[:i], members[i+1:]...)
			}
			all = append(all, "{"+strings.Join(members, ", ")+"}")
		}
		return "[" + strings.Join(all, ", ") + "]"
	})
}
