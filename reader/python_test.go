package reader_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// Traces as no program should write them: every member may be missing, null or
// of another type. The first of each list is the usual one and comes most often.
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

// oddTrace generates the JSON of a list of notifications. Most are only a
// little odd, so that many traces come to a report.
func oddTrace(oddness int) *rapid.Generator[string] {
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

// Whatever the trace, upstream's answer is what the Python library says, to the
// byte, be it a report or an exception.
func TestUpstreamAgainstPython(t *testing.T) {
	python := testenv.NewPython(t)
	const cases = 3000
	traces := make([]string, cases)
	for i := range traces {
		traces[i] = oddTrace(i % 30).Example(i)
	}
	run := exec.CommandContext(t.Context(), python, "testdata/report.py")
	run.Stdin = strings.NewReader(strings.Join(traces, "\n") + "\n")
	run.Env = append(run.Environ(), "PYTHONWARNINGS=ignore")
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != cases {
		t.Fatalf("%d answers to %d traces", len(answers), cases)
	}
	reports, failures := 0, map[string]bool{}
	for i, answer := range answers {
		var want struct{ Report, Error string }
		if err := json.Unmarshal([]byte(answer), &want); err != nil {
			t.Fatal(err)
		}
		got := upstreamAnswer(t, traces[i])
		if !sameReport(traces[i], got.Report, want.Report) || got.Error != want.Error {
			t.Errorf("of %s\ngot  %s%s\nwant %s%s", traces[i], got.Error, got.Report, want.Error, want.Report)
		}
		if want.Error == "" {
			reports++
		}
		kind, _, _ := strings.Cut(want.Error, " ")
		failures[kind] = true
	}
	if reports < cases/4 || len(failures) < 5 {
		t.Errorf("%d reports, %d kinds of failures: the generator proves too little", reports, len(failures))
	}
}

// sameReport compares to the byte, but for numbers that Python would not write
// as they stand in the trace: those are kept, and equal as values.
func sameReport(trace, got, want string) bool {
	if strings.Contains(trace, ": -0,") || strings.Contains(trace, "1e2") {
		return got == want || pyjson.Equal(got, want)
	}
	return got == want
}

func upstreamAnswer(t *testing.T, trace string) (answer struct{ Report, Error string }) {
	t.Helper()
	r, err := reader.BuildReport(sequence(t, elements(trace)...), reader.WithUpstreamAnswers())
	var failure *reader.UpstreamError
	switch {
	case errors.As(err, &failure):
		answer.Error = failure.Python
	case err != nil:
		t.Fatal(err)
	default:
		answer.Report = strings.TrimSpace(encode(t, r))
	}
	return answer
}
