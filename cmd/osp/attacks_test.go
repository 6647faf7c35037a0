package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// hostile has texts that run a command if a shell evaluates them, or that change the
// screen if a terminal shows them. The command creates the file MARK.
var hostile = []struct{ name, text string }{
	{"backquotes", "`touch${IFS}MARK`EVIL"},
	{"substitution", "$(touch${IFS}MARK)EVIL"},
	{"substitution with a blank", "$(touch MARK)EVIL"},
	{"semicolon", ";touch${IFS}MARK;EVIL"},
	{"newline", "EVIL\ntouch MARK\nEVIL"},
	{"quotes", "'\"`touch MARK`\"'\"'`touch MARK`EVIL"},
	{"ansi quotes", "$'\\n'$(touch MARK)EVIL"},
	{"globs", "*?[a-z]{a,b}~EVIL"},
	{"pipe", "|touch${IFS}MARK|EVIL"},
	{"fish substitution", "(touch MARK)EVIL"},
	{"zsh process substitution", "=(touch MARK)EVIL"},
	{"zsh dynamic folder", "~[touch MARK]$(touch MARK)EVIL"},
	{"zsh glob qualifier", "*(e:'touch MARK':)EVIL"},
	{"arithmetic", "$((a[$(touch MARK)]))EVIL"},
	{"history", "!!EVIL!$(touch MARK)"},
	{"description", "EVIL\t$(touch MARK)`touch MARK`"},
	{"active help", "_activeHelp_ EVIL$(touch MARK)"},
	{"directive", ":4EVIL\n:0\n$(touch MARK)"},
	{"a flag", "--out=MARK"},
	{"escape sequence", "\x1b]0;EVIL\x07\x1b[2J\x1b[3J\u009b2J"},
	{"writing direction", "\u202eEVIL\u2066"},
}

const (
	honestID    = "2130e762-6fff-43b5-a1a2-be4dbd944bd2"
	honestOther = "9b5a0158-dbf2-4a2f-a2b3-1e1ddeb8604b"
	undatedID   = "5f5a0158-dbf2-4a2f-a2b3-1e1ddeb8604c"
)

// attackedStore makes a store with normal traces, and newer hostile traces. There are
// as many hostile traces as completion can read in addition to the normal ones.
func attackedStore(t *testing.T, text string) (connection string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	var lines strings.Builder
	event := func(baseID, id, timestamp string) {
		line := `{"name": "a-start", "base_id": %s, "trace_id": %q, "parent_id": %[1]s, "timestamp": %[3]s, "info": {"host": "h"}, "project": "p", "service": "s"}` + "\n"
		fmt.Fprintf(&lines, line, jsonText(baseID), id, jsonText(timestamp))
	}
	for i := range completionTraces - 4 {
		event(fmt.Sprintf("%s%04d", text, i), fmt.Sprint("h", i), fmt.Sprintf("2099-01-01T00:00:00.%06d", i))
	}
	event(text, "h", "2099-01-01T00:00:01.000000")
	event(honestID, "1", "2026-01-01T00:00:00.000001")
	event(honestOther, "2", "2026-01-01T00:00:00.000002")
	event(undatedID, "3", text)
	writeFile(t, path, lines.String())
	return "file://" + path
}

func jsonText(text string) string { return string(pyjson.AppendString(nil, text)) }
