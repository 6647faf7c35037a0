package render

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// Text draws a report for people. The operations are a tree. Each has its duration and a bar
// that shows when in the trace it ran. Failed operations are marked and have their error
// below them. Incomplete operations have the missing half in place of their duration. An
// operation that was started and not stopped is shown as "running for" the time from its
// start to the last event of the trace. Tables of the services and the operations follow, and
// then the warnings. The indent of deep trees is bounded; beyond the bound a number shows the
// depth. Control characters of stored texts are escaped. The error is w's.
func Text(w io.Writer, r *reader.Report, opts ...TextOption) error {
	t := newText(w, opts)
	t.report = r
	t.survey(r)
	t.header(r)
	t.tree(r)
	t.tables(r)
	t.warnings(r.Warnings)
	if t.findings {
		t.writeFindings(analyze.Trace(r).Findings)
	}
	return t.Flush()
}

// text is the state of one drawing.
type text struct {
	*bufio.Writer
	brush
	textConfig
	report *reader.Report
	ruler  ruler

	services   []*service
	byService  map[[2]string]*service
	operations map[string]*tally
	all        tally
}

// A tally counts operations and sums up the known durations.
type tally struct {
	count, failed, incomplete, known int
	took                             duration
}

func (t *tally) add(n *reader.Node) {
	t.count++
	if describe.Failed(n) {
		t.failed++
	}
	if n.Incomplete != reader.Complete {
		t.incomplete++
	}
	if d, ok := n.Elapsed(); ok && d >= 0 {
		t.took = duration{t.took.Duration + d, n.Exact && (t.known == 0 || t.took.exact)}
		t.known++
	}
}

// A service is a service that ran operations of the trace.
type service struct {
	tally
	project, name string // clean
	hosts         []string
	paint         paint
}

// survey counts the services and the operations of the report.
func (t *text) survey(r *reader.Report) {
	t.byService, t.operations = map[[2]string]*service{}, map[string]*tally{}
	total := duration{exact: true}
	for _, n := range r.Nodes() {
		t.all.add(n)
		t.serviceOf(n).add(n)
		op := t.operations[n.Name]
		if op == nil {
			op = &tally{}
			t.operations[n.Name] = op
		}
		op.add(n)
		total = duration{max(total.Duration, n.Begin, n.End), total.exact && n.Exact}
	}
	if r.Finished != nil && total.Milliseconds() != *r.Finished { // some events are not in the tree
		total = milliseconds(*r.Finished)
	}
	t.ruler = ruler{total: total, columns: min(max(t.width/4, 10), 60)}
}

func (t *text) serviceOf(n *reader.Node) *service {
	key := [2]string{n.Project, n.Service}
	s := t.byService[key]
	if s == nil {
		s = &service{project: t.clean(n.Project), name: t.clean(n.Service)}
		s.paint = servicePaints[len(t.services)%len(servicePaints)]
		t.byService[key] = s
		t.services = append(t.services, s)
	}
	const most = 8 // hosts that are listed
	if host := t.clean(n.Host); host != "" && len(s.hosts) < most && !slices.Contains(s.hosts, host) {
		s.hosts = append(s.hosts, host)
	}
	return s
}

func (t *text) header(r *reader.Report) {
	if r.BaseID != "" {
		t.print(t.paint(bold, t.cut("Trace "+t.inASCII(safetext.Escape(r.BaseID)), t.width)))
	}
	var parts []piece
	if !r.Began.IsZero() {
		parts = append(parts, piece{t.clean(r.Began.In(t.location).Format("2006-01-02 15:04:05.000 MST")), plain})
	}
	if r.Finished != nil {
		parts = append(parts, piece{t.ruler.total.String(), plain})
	}
	parts = append(parts, piece{counted(t.all.count, "operation", "operations"), plain})
	if t.all.failed > 0 {
		parts = append(parts, piece{strconv.Itoa(t.all.failed) + " failed", red})
	}
	if t.all.incomplete > 0 {
		parts = append(parts, piece{strconv.Itoa(t.all.incomplete) + " incomplete", yellow})
	}
	t.flow(parts, " · ")
	t.print("")
}

// flow writes pieces one after the other, on as many lines as they need.
func (t *text) flow(parts []piece, between string) {
	line, columns := "", 0
	for _, p := range parts {
		if columns > 0 && columns+width(between)+width(p.text) > t.width {
			t.print(line)
			line, columns = "", 0
		}
		if columns > 0 {
			line, columns = line+between, columns+width(between)
		}
		line, columns = line+t.paint(p.paint, p.text), columns+width(p.text)
	}
	t.print(line)
}

// print writes a line without trailing blanks.
func (t *text) print(line string) {
	_, _ = t.WriteString(t.glyphs(strings.TrimRight(line, " "))) // Flush returns the error
	_ = t.WriteByte('\n')
}

func (t *text) warnings(warnings []string) {
	if len(warnings) > 0 {
		t.print("")
	}
	for _, warning := range warnings {
		for i, line := range t.wrap(t.clean(warning), t.width-2, 4) {
			mark := "  "
			if i == 0 {
				mark = t.paint(yellow, "! ")
			}
			t.print(mark + line)
		}
	}
}
