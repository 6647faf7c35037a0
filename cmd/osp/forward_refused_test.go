package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A notification that is too large for the target is named in a warning at once. The others
// are written, and the exit code shows that one is missing.
func TestForwardWithOversized(t *testing.T) {
	t.Parallel()
	targets := map[string]struct {
		start func() string
		limit string
	}{
		"mariadb": {
			start: func() string { return testenv.StartMariaDB(t, "--max-allowed-packet=4194304").MariaDB() },
			limit: "is larger than the server takes (max_allowed_packet)",
		},
		"redis": {
			start: func() string { return "redis://" + testenv.StartRedis(t, "--proto-max-bulk-len", "4mb").Addr() },
			limit: "proto-max-bulk-len",
		},
	}
	for name, target := range targets {
		for _, c := range []struct {
			name    string
			sizes   map[int]int
			written int
		}{
			{"among small ones", map[int]int{10: 5_000_000}, 19},
			{"several", map[int]int{0: 5_000_000, 7: 6_000_000, 19: 7_000_000}, 17},
		} {
			t.Run(name+" "+c.name, func(t *testing.T) {
				dir := t.TempDir()
				source := filepath.Join(dir, "fat.jsonl")
				var lines strings.Builder
				for i := range 20 {
					fmt.Fprintf(&lines, `{"name": "db-start", "base_id": "44444444-4444-4444-8444-444444444409", "trace_id": "t%d", "parent_id": "44444444-4444-4444-8444-444444444409", `+
						`"timestamp": "2024-01-01T00:00:00.0000%02d", "info": {"db": {"statement": "x", "params": [%q]}, "host": "h"}, "project": "n", "service": "s"}`+"\n",
						i, i, strings.Repeat("A", max(5, c.sizes[i])))
				}
				writeFile(t, source, lines.String())
				at := target.start()
				r := osp(t, dir, "forward", "--from", "file://"+source, "--to", at)
				// Notifications that only fail for a while count as missing in the end, not
				// as refused.
				if r.code != exitFailed || !strings.Contains(r.stderr, target.limit) ||
					!strings.Contains(r.stderr, fmt.Sprintf(" %d written, 0 there already, %d refused", c.written, 20-c.written)) {
					t.Errorf("%+v", r)
				}
				for i := range c.sizes {
					if !strings.Contains(r.stderr, fmt.Sprintf("%q", fmt.Sprintf("t%d", i))) {
						t.Errorf("the warning does not name t%d: %s", i, r.stderr)
					}
				}
			})
		}
	}
}
