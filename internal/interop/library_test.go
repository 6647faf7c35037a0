package interop

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

//go:embed testdata/library.py
var library string

// eachLibrary runs a test with each version of the Python library.
func eachLibrary(t *testing.T, test func(t *testing.T, ask asker)) {
	t.Helper()
	eachPython(t, func(t *testing.T, python string) { test(t, askerOf(python, library)) })
}

// eachScript is eachLibrary for another script. The versions are tested at the same
// time, because these tests wait most of the time.
func eachScript(t *testing.T, script string, test func(t *testing.T, ask asker)) {
	t.Helper()
	eachPython(t, func(t *testing.T, python string) {
		t.Parallel()
		test(t, askerOf(python, script))
	})
}

func askerOf(python, script string) asker {
	return func(t *testing.T, answer any, input any, what ...string) {
		t.Helper()
		askScript(t, python, script, answer, input, what...)
	}
}

// eachPython runs a test with the interpreter of each version of the Python library.
func eachPython(t *testing.T, test func(t *testing.T, python string)) {
	t.Helper()
	for name, find := range map[string]func(testing.TB) string{"debian": testenv.Python, "newest": testenv.NewPython} {
		t.Run(name, func(t *testing.T) { test(t, find(t)) })
	}
}

// An asker calls a function of testdata/library.py with the JSON of input, and
// decodes the result into answer. what has the name and arguments of the function.
type asker func(t *testing.T, answer any, input any, what ...string)

// An outcome is the result of a call in Python: a value or an error.
type outcome[T any] struct {
	Value T
	Error string
}

// raw is input or an answer as JSON text. It may contain values that encoding/json
// cannot represent: NaN and lone surrogates.
type raw string

func askScript(t *testing.T, python, script string, answer, input any, what ...string) {
	t.Helper()
	text, isRaw := input.(raw)
	if !isRaw {
		marshaled, err := json.Marshal(input)
		if err != nil {
			t.Fatal(err)
		}
		text = raw(marshaled)
	}
	cmd := exec.CommandContext(t.Context(), python, append([]string{"-c", script}, what...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(text)), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("Python, asked for %v: %v\n%s", what, err, stderr.String())
	}
	if log := stderr.String(); strings.Contains(log, "Traceback") { // drivers log failures to store
		t.Fatalf("Python, asked for %v, logged:\n%s", what, log)
	}
	if whole, ok := answer.(*raw); ok {
		*whole = raw(out)
	} else if answer != nil {
		if err := json.Unmarshal(out, answer); err != nil {
			t.Fatalf("Python, asked for %v, answered %.500q: %v", what, out, err)
		}
	}
}
