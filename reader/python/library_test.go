package python_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader/internal/readertest"
	"github.com/osprofiler-otel/osprofiler/reader/python"
)

// For any trace, Python's answer is that of the library, byte for byte, whether it is a
// report or an exception.
func TestAgainstLibrary(t *testing.T) {
	interpreter := testenv.NewPython(t)
	const cases = 3000
	traces := make([]string, cases)
	for i := range traces {
		traces[i] = readertest.OddTrace(i % 30).Example(i)
	}
	run := exec.CommandContext(t.Context(), interpreter, "testdata/report.py")
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
		got := answerTo(t, traces[i])
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

// sameReport compares reports byte for byte, except for numbers that Python would write
// differently than the trace has them. Those numbers are kept, and compared as values.
func sameReport(trace, got, want string) bool {
	if strings.Contains(trace, ": -0,") || strings.Contains(trace, "1e2") {
		return got == want || pyjson.Equal(got, want)
	}
	return got == want
}

func answerTo(t *testing.T, trace string) (answer struct{ Report, Error string }) {
	t.Helper()
	r, err := python.BuildReport(sequence(t, slices.Collect(pyjson.Elements(trace))...))
	var failure *python.ExceptionError
	switch {
	case errors.As(err, &failure):
		answer.Error = failure.Exception
	case err != nil:
		t.Fatal(err)
	default:
		answer.Report = strings.TrimSpace(encode(t, r))
	}
	return answer
}
