package render

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// WithFindings appends sentences about what is slow and what failed
// ([analyze.Analysis.Findings]). It is off by default.
func WithFindings(on bool) TextOption {
	return textOption(func(c *textConfig) { c.findings = on })
}

// newText returns a drawing without a report.
func newText(w io.Writer, opts []TextOption) *text {
	c := textConfig{width: defaultWidth, location: time.UTC}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return &text{Writer: bufio.NewWriterSize(w, 1<<16), brush: brush{c.color, c.ascii}, textConfig: c}
}

// writeFindings writes the findings below a blank line.
func (t *text) writeFindings(findings []analyze.Finding) {
	if len(findings) > 0 {
		t.print("")
	}
	for _, f := range findings {
		color := plain
		switch f.Kind {
		case analyze.FoundFailure:
			color = red
		case analyze.FoundIncomplete, analyze.FoundSkew:
			color = yellow
		}
		for i, line := range t.wrap(t.clean(f.Text), t.width-2, 6) {
			mark := "  "
			if i == 0 {
				mark = t.paint(bold, "* ")
			}
			t.print(mark + t.paint(color, line))
		}
	}
}

// Analysis writes an analysis for people: the findings, the operations with the most time on
// the critical path, the repeated calls, and the time by service. The error is w's.
func Analysis(w io.Writer, a *analyze.Analysis, opts ...TextOption) error {
	t := newText(w, opts)
	if a.BaseID != "" {
		t.print(t.paint(bold, t.cut("Trace "+t.inASCII(safetext.Escape(a.BaseID)), t.width)))
	}
	t.flow(t.facts(a.TraceEnd-a.TraceBegin, a.Exact, a.Count, a.Failed, a.Incomplete), " · ")
	t.writeFindings(a.Findings)
	t.criticalTable(a)
	t.repeatedTable(a)
	t.serviceTable(a)
	return t.Flush()
}

// criticalTable lists the calls with the most self time on the critical path.
func (t *text) criticalTable(a *analyze.Analysis) {
	sums := slices.DeleteFunc(slices.Clone(a.Operations), func(s analyze.OperationSum) bool { return s.Critical == 0 })
	slices.SortStableFunc(sums, func(x, y analyze.OperationSum) int { return cmp.Compare(y.Critical, x.Critical) })
	rows := [][]string{{"on the critical path", "itself", "share", "total", "calls"}}
	for _, s := range firstOf(sums) {
		rows = append(rows, []string{
			t.call(s.Service, s.Name, s.What, s.Kind), t.time(s.Critical, a.Exact), percentOf(s.Critical, a.TraceEnd-a.TraceBegin),
			t.time(s.Total, a.Exact), strconv.Itoa(s.Count),
		})
	}
	if a.CriticalPath.Waiting > 0 {
		waiting := percentOf(a.CriticalPath.Waiting, a.TraceEnd-a.TraceBegin)
		rows = append(rows, []string{"(waiting)", t.time(a.CriticalPath.Waiting, a.Exact), waiting, "", ""})
	}
	t.print("")
	t.table(rows, 1, len(sums)-mostRows, func(int) paint { return plain })
}

// repeatedTable lists the repeated calls.
func (t *text) repeatedTable(a *analyze.Analysis) {
	if len(a.Repeated) == 0 {
		return
	}
	rows := [][]string{{"repeated", "under one", "times", "together", "share"}}
	for _, r := range firstOf(a.Repeated) {
		rows = append(rows, []string{t.call(r.Service, r.Name, r.What, r.Kind), t.inASCII(cmp.Or(r.Under, "(the trace)")), strconv.Itoa(r.Count), t.time(r.Wall, a.Exact), percentOf(r.Wall, a.TraceEnd-a.TraceBegin)})
	}
	t.print("")
	t.table(rows, 2, len(a.Repeated)-mostRows, func(int) paint { return plain })
}

// serviceTable lists the time by service.
func (t *text) serviceTable(a *analyze.Analysis) {
	rows := [][]string{{"service", "project", "operations", "itself", "critical", "failed"}}
	for _, s := range firstOf(a.Services) {
		rows = append(rows, []string{
			orDash(t.clean(s.Service)), t.clean(s.Project), strconv.Itoa(s.Count), t.time(s.Self, a.Exact),
			t.time(s.Critical, a.Exact), zeroless(s.Failed),
		})
	}
	t.print("")
	t.table(rows, 2, len(a.Services)-mostRows, func(i int) paint { return servicePaints[i%len(servicePaints)] })
}

// call describes a call in a table.
func (t *text) call(service, name, what string, kind analyze.Kind) string {
	text := orDash(name)
	if service != "" {
		text = service + ":" + text
	}
	if kind == analyze.Statement {
		what = describe.Statement(what)
	}
	return strings.TrimSpace(t.clean(text + "  " + what))
}

func (t *text) time(d analyze.Duration, exact bool) string {
	return duration{time.Duration(d), exact}.String()
}

// percentOf writes the share of a whole.
func percentOf(part, whole analyze.Duration) string {
	return describe.Percent(time.Duration(part), time.Duration(whole))
}
