package doctest

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	flag      = regexp.MustCompile(`--[a-z][a-z-]+`)
	jsonKey   = regexp.MustCompile(`"([a-z_.]+)":`)
	allHelp   = regexp.MustCompile(`(?m)^  ([a-z]+) +[A-Z]`)
	usageLine = regexp.MustCompile(`^osp ((?:[a-z]+ )*[a-z]+)`)
)

// usage compares a synopsis with the help of the commands. The synopsis must have every
// command, and no flag that the command does not have.
func (s *sandbox) usage(t *testing.T, b *block) {
	t.Helper()
	named := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
		match := usageLine.FindStringSubmatch(line)
		if match == nil {
			if strings.TrimSpace(line) != "" && line[0] != ' ' {
				t.Errorf("%v: %q is no command", b, line)
			}
			continue
		}
		command, _, _ := strings.Cut(match[1], " bash")
		for i, word := range strings.Fields(command) {
			if i == 0 {
				named[word] = true
			}
		}
		help := run(t, b, s.bash("osp "+command+" --help"))
		for _, name := range flag.FindAllString(line, -1) {
			if !strings.Contains(help, name) {
				t.Errorf("%v: osp %s has no flag %s", b, command, name)
			}
		}
	}
	_, available, _ := strings.Cut(run(t, b, s.bash("osp --help")), "\nAvailable Commands:")
	available, _, _ = strings.Cut(available, "\n\n")
	for _, match := range allHelp.FindAllStringSubmatch(available, -1) {
		if !named[match[1]] && match[1] != "help" {
			t.Errorf("%v: osp %s is missing", b, match[1])
		}
	}
}

// described are the commands whose JSON a page describes.
var described = map[string]string{
	"analysis": "osp trace analyze --json 08887a1d-52ac-48ac-a836-f6f5a0a821be",
	"diff":     "osp trace diff --json 735a3bb2-9624-4584-b0b5-0928768a8820 08887a1d-52ac-48ac-a836-f6f5a0a821be",
	"list":     "osp trace list --limit 1 --json",
	"report":   "osp trace show --json 1740482c-5a17-4e6a-8d63-6942b6601abb",
}

// keys compares the keys of a description with those that osp writes.
func (s *sandbox) keys(t *testing.T, b *block) {
	t.Helper()
	var value any
	out := run(t, b, s.bash(described[b.attrs["keys"]]+" 2>/dev/null"))
	if err := json.Unmarshal([]byte(out), &value); err != nil {
		t.Fatalf("%v: %v\n%s", b, err, out)
	}
	got, want := map[string]bool{}, map[string]bool{}
	collectKeys(value, got)
	for _, match := range jsonKey.FindAllStringSubmatch(b.text, -1) {
		want[match[1]] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v: the page has the keys %q, osp writes %q", b, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	}
}

// collectKeys adds the keys of a JSON value that do not depend on the trace. It leaves out
// the keys in a notification and the names of operations.
func collectKeys(value any, into map[string]bool) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			collectKeys(element, into)
		}
	case map[string]any:
		for key, member := range v {
			if strings.HasPrefix(key, "meta.raw_payload.") {
				continue
			}
			into[key] = true
			if operations, ok := member.(map[string]any); ok && key == "stats" {
				for _, sums := range operations {
					collectKeys(sums, into)
				}
				continue
			}
			collectKeys(member, into)
		}
	}
}
