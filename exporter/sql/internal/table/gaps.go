package table

import (
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/gaps"
)

// rowsIn returns a condition that is true of the rows in a gap.
func rowsIn(g *gaps.Gap) string {
	between := fmt.Sprintf("id BETWEEN %d AND %d", g.From, g.To)
	if g.Step == g.Width {
		return between
	}
	return fmt.Sprintf("(%s AND (id - %d) %% %d < %d)", between, g.From, g.Step, g.Width)
}

// rowsInAny returns a condition that is true of the rows in the gaps. The condition
// is empty if there are no gaps.
func rowsInAny(all gaps.List) string {
	conditions := make([]string, len(all))
	for i := range all {
		conditions[i] = rowsIn(&all[i])
	}
	if len(conditions) == 0 {
		return ""
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}
