package analyze_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// For lists that are cut off, the analysis has the number of all entries.
func TestCounts(t *testing.T) {
	const children = 143
	lines := []string{"all 0 2000"}
	for i := range children {
		lines = append(lines, fmt.Sprintf("  db %d %d fail=E", 10*i+1, 10*i+9))
	}
	lines = append(lines, "later 2010 -")
	for i := range 30 {
		lines = append(lines, fmt.Sprintf("later 20%02d.2 20%02d.5", 11+i, 11+i))
	}
	a := analyze.Trace(report(t, strings.Join(lines, "\n")))
	for _, c := range []struct {
		list                            string
		listed, count, wantList, wantIn int
	}{
		{"critical path", len(a.CriticalPath.Operations), a.CriticalPath.OperationCount, 100, 1 + children + 30},
		{"slowest", len(a.Slowest), a.SlowestCount, 20, 1 + children + 30},
		{"gaps", len(a.Gaps), a.GapCount, 40, 1 + children + 31},
		{"operations of a finding", len(a.Findings[0].Ops), a.Findings[0].OpCount, 100, children},
	} {
		if c.listed != c.wantList || c.count != c.wantIn {
			t.Errorf("%s: %d of %d, want %d of %d", c.list, c.listed, c.count, c.wantList, c.wantIn)
		}
	}
}
