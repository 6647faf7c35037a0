package interop

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	_ "github.com/osprofiler-otel/osprofiler/exporter/all"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The columns of the matrix.
const (
	weWritePythonReads = "we write, Python reads"
	pythonWritesWeRead = "Python writes, we read"
	weWriteAndRead     = "we write and read"
	list               = "list"
	listErrors         = "list errors"
	twice              = "same batch twice"
)

var columns = []string{weWritePythonReads, pythonWritesWeRead, weWriteAndRead, list, listErrors, twice}

// A backend is a group of rows of the matrix.
type backend struct {
	name    string
	schemes []string // the linked ones that it stands for
	// open returns the connection string of an empty store.
	open func(t *testing.T) string
	// python is what Python connects to; nil: it has no driver for it.
	python func(t *testing.T, connectionString string) string
	// fails says where upstream's own driver fails, per column, and how.
	fails map[string]failure
	// unordered: Python gets rows as they lie, so siblings that start in the
	// same millisecond are compared as a set.
	unordered bool
	// broken is said of a driver that cannot be made at all; Python then
	// connects to what python names instead.
	broken failure
}

// A failure is the beginning of an error of upstream's, per version of the library.
type failure map[string]string

var backends = []backend{
	{
		name: "file", schemes: []string{"file"},
		open: func(t *testing.T) string { return "file://" + filepath.Join(t.TempDir(), "traces.jsonl") },
	},
	{
		name: "sqlite", schemes: []string{"sqlite"},
		open:   func(t *testing.T) string { return "sqlite:///" + filepath.Join(t.TempDir(), "traces.db") },
		python: same, fails: map[string]failure{listErrors: never},
	},
	{
		name: "redis", schemes: []string{"redis", "rediss", "redis+unix"},
		open:   func(t *testing.T) string { return testenv.RedisDB(t) },
		python: same, fails: map[string]failure{list: oneEvent},
	},
	{
		name: "redissentinel", schemes: []string{"redissentinel"},
		open:   func(t *testing.T) string { return testenv.Sentinel(t) },
		python: master, fails: map[string]failure{list: oneEvent}, broken: noScheme,
	},
	{
		name: "postgresql", schemes: []string{"postgresql", "postgresql+psycopg2"},
		open:   func(t *testing.T) string { return testenv.PostgreSQL(t) },
		python: same, fails: map[string]failure{listErrors: never}, unordered: true,
	},
	{
		name: "mariadb", schemes: []string{"mysql", "mysql+pymysql", "mysql+mysqldb"},
		open:   func(t *testing.T) string { return testenv.MariaDB(t) },
		python: same, fails: map[string]failure{listErrors: never},
	},
}

// unfinished is what the old library says of a trace in which nothing stopped.
const unfinished = "TypeError: unsupported operand type(s) for -: 'NoneType' and 'datetime.datetime'"

// What upstream's drivers cannot do.
var (
	never    = failure{"debian": "NotImplementedError", "newest": "NotImplementedError"}
	oneEvent = failure{"debian": "TypeError: <class 'NoneType'> can't be decoded"} // the newest leaves such a trace out
	noScheme = failure{"debian": "ValueError: Redis URL must specify one of", "newest": "ValueError: Redis URL must specify one of"}
)

func same(_ *testing.T, connectionString string) string { return connectionString }

// master is the Redis server behind sentinels.
func master(t *testing.T, connectionString string) string {
	path, _, _ := strings.Cut(connectionString, "?")
	return "redis://" + testenv.SentinelMaster(t, connectionString) + path[strings.LastIndex(path, "/"):]
}

// TestMatrix runs every back end beside every Python library, both ways, on the
// real traces of OpenStack services. `make test` prints its table at the end.
func TestMatrix(t *testing.T) {
	m := &matrix{traces: openstack(t)}
	linked := store.Schemes()
	for _, scheme := range linked {
		if !slices.ContainsFunc(backends, func(b backend) bool { return slices.Contains(b.schemes, scheme) }) {
			t.Errorf("no row of the matrix stands for %s://", scheme)
		}
	}
	for _, b := range backends {
		if !slices.Contains(linked, b.schemes[0]) {
			t.Errorf("%s:// has a row, but is not linked", b.schemes[0])
			continue
		}
		if b.python == nil {
			m.run(t, &row{backend: b, all: m.traces})
			continue
		}
		for _, version := range []string{"debian", "newest"} {
			m.run(t, &row{backend: b, library: version, all: m.traces})
		}
	}
	testenv.Table(t, "matrix", m.String())
}

// openstack are the real traces, and one of a single event.
func openstack(t *testing.T) []trace {
	t.Helper()
	all := slices.Clone(traces(t)[:10])
	lone := trace{name: "one event", baseID: "10e00000-0000-4000-8000-000000000000"}
	for _, n := range all[0].notifications[:1] {
		n.BaseID, n.ParentID = lone.baseID, lone.baseID
		lone.notifications = append(lone.notifications, n)
	}
	return asSent(append(all, lone), "")
}

// A matrix is what the table shows.
type matrix struct {
	traces []trace
	rows   []*row
	notes  []string
}

func (m *matrix) run(t *testing.T, r *row) {
	m.rows = append(m.rows, r)
	r.cells, r.said = map[string]string{}, map[string]string{}
	if r.library == "" {
		r.cells[weWritePythonReads], r.cells[pythonWritesWeRead] = "-", "-"
	}
	t.Run(strings.Trim(r.name+"/"+r.library, "/"), func(t *testing.T) {
		r.findPython(t)
		ours, theirs := r.open(t), r.open(t)
		r.weWrite(t, ours)
		if r.library != "" {
			r.pythonWrites(t, theirs)
		}
	})
}

// cell is what the table shows of a column: how it went, and where upstream fails.
func (m *matrix) cell(r *row, column string) string {
	shown := cmp.Or(r.cells[column], "not run")
	if shown != "ok" {
		return shown
	}
	if said := r.fails[column][r.library]; said != "" {
		shown = "we only" + m.note("upstream's driver fails: "+said)
	}
	if said := r.broken[r.library]; said != "" && strings.Contains(column, "Python") {
		shown += m.note("upstream's driver for " + r.name + ":// cannot be made, Python connects to the master: " + said)
	}
	if said := r.said[column]; said != "" {
		shown += m.note(said)
	}
	return shown
}

// note returns the mark of a note below the table.
func (m *matrix) note(text string) string {
	i := slices.Index(m.notes, text)
	if i < 0 {
		i = len(m.notes)
		m.notes = append(m.notes, text)
	}
	return fmt.Sprintf(" [%d]", i+1)
}

// String is the table.
func (m *matrix) String() string {
	var text strings.Builder
	text.WriteString("Every back end beside the real Python library, on ten real traces of OpenStack services:\n\n")
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  back end\tPython\t%s\n", strings.Join(columns, "\t"))
	for _, r := range m.rows {
		fmt.Fprintf(w, "  %s\t%s", r.name, r.library)
		for _, c := range columns {
			fmt.Fprintf(w, "\t%s", m.cell(r, c))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		panic(err) // of a strings.Builder
	}
	for i, n := range m.notes {
		fmt.Fprintf(&text, "  [%d] %s\n", i+1, n)
	}
	return text.String()
}
