package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// eachCommand calls f for a command and for all commands below it.
func eachCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		eachCommand(sub, f)
	}
}

// No verb shows an error of the libraries that parse a flag. Flags with texts as values are
// checked by their verbs.
func TestBadValuesOfFlags(t *testing.T) {
	values := []string{"x", "", "1.5", "-", "１", "99999999999999999999", `a"b`, "yes no"}
	tried := 0
	eachCommand(newRoot(), func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if kind := f.Value.Type(); kind == "string" || kind == "stringArray" {
				return
			}
			for _, value := range values {
				root := newRoot()
				path := strings.Fields(cmd.CommandPath())[1:]
				other, _, err := root.Find(path)
				if err != nil {
					t.Fatal(err)
				}
				if other.InitDefaultHelpFlag(); other.Flags().Set(f.Name, value) == nil {
					continue // the value is valid
				}
				tried++
				var stderr bytes.Buffer
				code := execute(t.Context(), newRoot(), append(path, "--"+f.Name+"="+value), &stderr)
				got := stderr.String()
				if code != exitUsage || !strings.Contains(got, "osp: --"+f.Name+" ") ||
					!strings.Contains(got, "should be") && !strings.Contains(got, "too large") {
					t.Errorf("%s --%s=%q: exit code %d, %s", path, f.Name, value, code, got)
				}
				for _, foreign := range []string{"strconv", "parse error", "invalid argument", "invalid syntax"} {
					if strings.Contains(got, foreign) {
						t.Errorf("%s --%s=%q: %s", path, f.Name, value, got)
					}
				}
			}
		})
	})
	if tried < 50 {
		t.Errorf("tried only %d values", tried)
	}
}

func TestWordsOfFlagErrors(t *testing.T) {
	for args, want := range map[string]string{
		"trace list --limit 1.5":                  `--limit "1.5": it should be a whole number, such as 100`,
		"trace list --limit 99999999999999999999": `--limit "99999999999999999999": the number is too large`,
		"trace list --json=maybe":                 `--json "maybe": it should be true or false`,
		`trace list --fields a"b`:                 `--fields "a\"b": it should be names with commas between them`,
		"trace list --limit":                      "--limit needs a value: --limit N, list at most N traces",
		"trace list --sinnce 2h":                  "unknown flag: --sinnce; did you mean --since?",
		"prune --connection redis://h":            "unknown flag: --connection; did you mean --connection-string?",
		"trace list --frobnicate":                 "unknown flag: --frobnicate\n",
		"trace list --=x":                         `"--=x" is no flag; a flag reads like --name or --name=value`,
		"trace show b --out --json":               "--out needs a value, but --json follows",
		"trace show b --render-dot --dot":         "--render-dot needs a value, but --dot follows",
		"trace list --service --json":             "--service needs a value, but --json follows",
		"prune --older-than --help":               "--older-than needs a value, but --help follows",
		"trace list --min-duration 5":             `--min-duration "5": it should be a duration with a unit, such as 500ms, 2s, 1m30s, 1.5h or 1d`,
		"trace show b --idle-timeout x":           `--idle-timeout "x": it should be a whole number of seconds, such as 5`,
		"trace show b --transport-url":            "--transport-url needs a value: --transport-url URL, the message bus as a URL\n",
		"forward --until 5":                       `--until "5": it should be a time like`,
	} {
		r := osp(t, t.TempDir(), strings.Fields(args)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("osp %s: %+v; want %q", args, r, want)
		}
	}
}
