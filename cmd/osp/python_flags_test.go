package main

import (
	"strings"
	"testing"
)

func TestExpandOptions(t *testing.T) {
	for args, want := range map[string]string{
		"trace list --conn S --err True":          "trace list --connection-string S --error-trace True",
		"trace list --c=S":                        "trace list --connection-string=S",
		"trace list --l 5":                        "trace list --l 5", // because the Python tool has no option --limit
		"trace show X --js --loc --idle 5":        "trace show X --json --local-libs --idle-timeout 5",
		"trace show X --t rabbit://h/ --tran=b":   "trace show X --transport-url rabbit://h/ --transport-url=b",
		"trace show X --h":                        "trace show X --h", // --help or --html
		"trace show X --ht --he --d --r g --o f":  "trace show X --html --help --dot --render-dot g --out f",
		"trace show X --out --js":                 "trace show X --out --js", // --js is a value
		"trace show X --out=--js --js":            "trace show X --out=--js --json",
		"trace show X --js -- --js":               "trace show X --json -- --js",
		"trace show X --text --v --python --a -v": "trace show X --text --v --python --a -v",
		"trace show X --=5 -- -":                  "trace show X --=5 -- -",
		"--vers":                                  "--version",
		"--h":                                     "--help",
		"-v trace list --frob":                    "--version",
		"-h trace":                                "-h trace",
		"--frob":                                  "--frob",
		"trace":                                   "trace",
		"trace nosuch --conn":                     "trace nosuch --conn",
		"forward --fr S":                          "forward --fr S",
		"headers --hmac-key --conn":               "headers --hmac-key --conn",
		"":                                        "",
	} {
		if got := strings.Join(expandOptions(newRoot(), strings.Fields(args)), " "); got != want {
			t.Errorf("%q becomes %q, want %q", args, got, want)
		}
	}
}
