package interop

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	_ "github.com/osprofiler-otel/osprofiler/exporter/all"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
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

// A backend describes the rows of the matrix for a back end.
type backend struct {
	name    string
	schemes []string // the registered schemes that the rows stand for
	// open returns the connection string of an empty store.
	open func(t *testing.T) string
	// python returns the connection string for Python. It is nil if Python has no
	// driver for the back end.
	python func(t *testing.T, connectionString string) string
	// fails has the expected failures of Python's driver, per column.
	fails map[string]failure
	// raises has the error that Python's driver raises although it stored the
	// notification, per version of the Python library.
	raises failure
	// loses has the error that Python's driver raises because the store refuses some
	// of the notifications, per version of the Python library.
	loses failure
	// unordered is true if Python reads without an order: rows of a search, or messages
	// of a bus, which Python's driver takes with many threads. Siblings that start in the
	// same millisecond are then compared as a set.
	unordered bool
	// apart returns a place for each trace, because Python's report takes away all
	// notifications of a place. It is nil if a report takes nothing away.
	apart func(t *testing.T, r *row, at string, read []trace, pythonWrites bool) []place
	// dropsFirst is true if Python's reader loses the first message of a place. The
	// first notification is then written twice.
	dropsFirst bool
	// remark is a note about Python's reports for the table.
	remark string
	// broken is the expected failure if Python's driver cannot even be created
	// for our connection string. Python then connects to what python returns.
	broken failure
}

// A failure has the beginning of an error of Python's driver, per version of the
// Python library.
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
	{
		name: "elasticsearch 7", schemes: []string{"elasticsearch", "elasticsearch+https"},
		open: refreshed(testenv.Elasticsearch7), python: same, fails: searchFails(failure{"newest": noDocType}), unordered: true,
		loses: failure{"debian": "RequestError: RequestError(400, 'mapper_parsing_exception', 'object mapping for [info.db.params]"},
	},
	{
		name: "elasticsearch 7, our index", schemes: []string{"elasticsearch"},
		open: madeByUs(refreshed(testenv.Elasticsearch7)), python: same, fails: searchFails(failure{"newest": noDocType}), unordered: true,
	},
	{
		name: "elasticsearch 8", schemes: []string{"elasticsearch"},
		open: refreshed(testenv.Elasticsearch), python: same, fails: searchFails(noTypes), unordered: true,
	},
	{
		name: "elasticsearch 9", schemes: []string{"elasticsearch"},
		open: refreshed(testenv.Elasticsearch9), python: same, fails: searchFails(noTypes), unordered: true,
	},
	{
		name: "opensearch 2", schemes: []string{"opensearch+https"},
		open: refreshed(testenv.OpenSearch), python: plain, fails: searchFails(noTLS), unordered: true,
	},
	{
		name: "opensearch 3", schemes: []string{"opensearch"},
		open: refreshed(testenv.OpenSearch3), python: plain, fails: searchFails(otherProduct), unordered: true,
	},
	{
		name: "mongodb", schemes: []string{"mongodb", "mongodb+srv"},
		open: func(t *testing.T) string { return testenv.MongoDB(t) }, python: same, raises: failure{"newest": noUpdate},
	},
	{
		name: "ferretdb", schemes: []string{"mongodb"},
		open: func(t *testing.T) string { return testenv.FerretDB(t) }, python: same, raises: failure{"newest": noUpdate},
	},
	{
		name: "rabbitmq", schemes: []string{"rabbit", "messaging", "kombu", "kombu+amqp", "kombu+amqps", "kombu+pyamqp", "amqp", "amqps"},
		open: func(t *testing.T) string { return testenv.RabbitMQ(t) }, python: transport,
		fails: map[string]failure{list: never, listErrors: never}, apart: ownHosts, unordered: true, remark: takesAll,
	},
	{
		name: "kafka", schemes: []string{"kafka"},
		open: func(t *testing.T) string { return testenv.StartKafka(t).Kafka() }, python: transport,
		fails: map[string]failure{list: never, listErrors: never}, apart: ownGroups, unordered: true, dropsFirst: true, remark: takesAll + "; " + onlyNew,
	},
	{
		name: "loginsight", schemes: []string{"loginsight"},
		open: func(t *testing.T) string { return loginsightserver.New(t).URL() }, python: verifiesNothing,
		fails: map[string]failure{list: never, listErrors: never},
		loses: failure{"debian": fieldLimit, "newest": fieldLimit},
	},
}

const (
	takesAll = "Python's driver takes all messages away, so that each report has messages of its own"
	onlyNew  = "a new consumer group of Python begins at the end of the topic, so that the groups of the reports have read before; idle_timeout is longer than the first poll of 5 s; the first message of a poll is lost to Python, so that it is there twice"
)

// unfinished is the error of the old library for a trace without a stop.
const unfinished = "TypeError: unsupported operand type(s) for -: 'NoneType' and 'datetime.datetime'"

// The expected failures of Python's drivers.
var (
	never    = failure{"debian": "NotImplementedError", "newest": "NotImplementedError"}
	oneEvent = failure{"debian": "TypeError: <class 'NoneType'> can't be decoded"} // the newest version omits such a trace
	noScheme = failure{"debian": "ValueError: Redis URL must specify one of", "newest": "ValueError: Redis URL must specify one of"}

	noTypes      = failure{"debian": "RequestError: RequestError(400, 'no handler found for uri", "newest": noDocType}
	noTLS        = failure{"debian": "ConnectionError: ConnectionError(('Connection aborted.'", "newest": noDocType}
	otherProduct = failure{"debian": "UnsupportedProductError: The client noticed that the server is not Elasticsearch", "newest": noDocType}
)

const (
	// noDocType is an error of version 8 of Python's client for Elasticsearch.
	noDocType = "TypeError: Elasticsearch."
	// noSet is the error for a listing, for which Python's driver passes a set.
	noSet = "SerializationError: ({'_source': {"
	// fieldLimit is an error for a notification that is too large for a field.
	fieldLimit = "LogInsightAPIError: the content of the field trace has more than 16384 bytes"
	// noUpdate is an error of version 4 of pymongo, which has no Collection.update.
	noUpdate = "TypeError: 'Collection' object is not callable. If you meant to call the 'update' method"
)

// searchFails returns the failures of Python's driver for Elasticsearch. all are
// the errors of reading and writing. Listings fail in every version.
func searchFails(all failure) map[string]failure {
	lists := failure{"debian": noSet, "newest": noDocType}
	return map[string]failure{weWritePythonReads: all, pythonWritesWeRead: all, list: lists, listErrors: lists}
}

// refreshed returns a function that opens a store in which a batch can be read as
// soon as it is written.
func refreshed(open func(t testing.TB) string) func(t *testing.T) string {
	return func(t *testing.T) string { return open(t) + "&osp_refresh=true" }
}

// madeByUs returns a function that opens a store whose index our writer made.
func madeByUs(open func(t *testing.T) string) func(t *testing.T) string {
	return func(t *testing.T) string {
		at := open(t)
		s, err := store.Open(t.Context(), at)
		if err == nil {
			err = errors.Join(s.Ping(t.Context()), s.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
}

// plain returns the connection string that Python's driver gets for a server of
// OpenSearch. The driver knows only one scheme, and speaks no TLS.
func plain(_ *testing.T, connectionString string) string {
	_, rest, _ := strings.Cut(connectionString, "://")
	return "elasticsearch://" + rest
}

// verifiesNothing returns the connection string that Python's driver for Log Insight
// gets, which knows no options.
func verifiesNothing(_ *testing.T, connectionString string) string {
	alone, _, _ := strings.Cut(connectionString, "?")
	return alone
}

func same(_ *testing.T, connectionString string) string { return connectionString }

// master returns the connection string of the master of sentinels.
func master(t *testing.T, connectionString string) string {
	path, _, _ := strings.Cut(connectionString, "?")
	return "redis://" + testenv.SentinelMaster(t, connectionString) + path[strings.LastIndex(path, "/"):]
}

// TestMatrix tests every back end with every version of the Python library, in
// both directions, on real traces of OpenStack services. `make test` prints the
// table of the results at the end.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := &matrix{traces: openstack(t)}
	linked := store.Schemes()
	for _, scheme := range linked {
		if store.IsSink(scheme + "://") { // TestJaeger has them
			continue
		}
		if !slices.ContainsFunc(backends, func(b backend) bool { return slices.Contains(b.schemes, scheme) }) {
			t.Errorf("the matrix has no row for %s://", scheme)
		}
	}
	for _, b := range backends {
		if !slices.Contains(linked, b.schemes[0]) {
			t.Errorf("the matrix has a row for %s://, but no back end registers this scheme", b.schemes[0])
			continue
		}
		if b.python == nil {
			m.run(t, &row{backend: b, all: m.traces})
			continue
		}
		for _, version := range []string{"debian", "newest"} {
			all := m.traces
			if version == "newest" && b.fails[weWritePythonReads][version] != "" {
				all = briefly(all) // the other version tests all of what works
			}
			m.run(t, &row{backend: b, library: version, all: all})
		}
	}
	// The cleanup runs after all rows have ended.
	t.Cleanup(func() { testenv.Table(t, "matrix", m.String()) })
}

// briefly returns the shorter traces.
func briefly(all []trace) []trace {
	return slices.DeleteFunc(slices.Clone(all), func(tr trace) bool { return len(tr.notifications) > 180 })
}

// openstack returns the real traces, and a trace with a single notification.
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

// A matrix holds the content of the table.
type matrix struct {
	traces []trace
	rows   []*row
	notes  []string
}

func (m *matrix) run(t *testing.T, r *row) {
	m.rows = append(m.rows, r)
	r.cells, r.remarks = map[string]string{}, map[string]string{}
	if r.library == "" {
		r.cells[weWritePythonReads], r.cells[pythonWritesWeRead] = "-", "-"
	}
	t.Run(strings.Trim(r.name+"/"+r.library, "/"), func(t *testing.T) {
		t.Parallel() // most of the time, we wait for Python and for idle_timeout
		r.findPython(t)
		ours, theirs := r.open(t), r.open(t)
		r.weWrite(t, ours)
		if r.library != "" {
			r.pythonWrites(t, theirs)
		}
	})
}

// cell returns the text of a cell: the result, and the failures of Python's driver.
func (m *matrix) cell(r *row, column string) string {
	text := cmp.Or(r.cells[column], "not run")
	if text != "ok" {
		return text
	}
	if failure := r.fails[column][r.library]; failure != "" {
		text = "we only"
		if column == pythonWritesWeRead {
			text = "cannot"
		}
		text += m.note("Python's driver fails: " + failure)
	}
	if failure := r.broken[r.library]; failure != "" && strings.Contains(column, "Python") {
		text += m.note("Python's driver for " + r.name + ":// cannot be created, so Python connects to the master: " + failure)
	}
	if r.remark != "" && strings.Contains(column, "Python") {
		text += m.note(r.remark)
	}
	if remark := r.remarks[column]; remark != "" {
		text += m.note(remark)
	}
	return text
}

// note adds a note below the table, and returns the mark that refers to it.
func (m *matrix) note(text string) string {
	i := slices.Index(m.notes, text)
	if i < 0 {
		i = len(m.notes)
		m.notes = append(m.notes, text)
	}
	return fmt.Sprintf(" [%d]", i+1)
}

// String returns the table.
func (m *matrix) String() string {
	var text strings.Builder
	text.WriteString("Every back end with the real Python library, on ten real traces of OpenStack services:\n\n")
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
		panic(err) // a strings.Builder returns no errors
	}
	for i, n := range m.notes {
		fmt.Fprintf(&text, "  [%d] %s\n", i+1, n)
	}
	return text.String()
}
