package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// The Python tool's graph and the id of osp headers cannot control a terminal.
func TestHostileTextsOnATerminal(t *testing.T) {
	var lines string
	for _, half := range []string{"start", "stop"} {
		lines += fmt.Sprintf(`{"name": "a-%s", "base_id": %q, "trace_id": "1", "parent_id": %[2]q, "timestamp": "2026-01-01T00:00:00.000001", "info": {"host": "h"}, "project": "p", "service": "x\u001b]0;title\u0007"}`+"\n", half, honestID)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "traces.jsonl"), lines)
	for _, line := range []string{
		ospBinary + " trace show --dot --upstream --connection-string file://" + dir + "/traces.jsonl " + honestID,
		ospBinary + ` headers --hmac-key k --base-id "$(printf 'x\033]0;title\007')"`,
	} {
		if got := onTerminal(t, dir, nil, line); strings.Contains(got, "\x1b]0;") || !strings.Contains(got, `x\x1b]0;title\a`) {
			t.Errorf("%s: %q", line, got)
		}
	}
}
