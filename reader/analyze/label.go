package analyze

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A Kind is the kind of a call.
type Kind string

// The kinds of calls. An operation of another kind has an empty Kind.
const (
	Statement Kind = "statement" // an SQL statement
	Request   Kind = "request"   // an HTTP request, at the client or at the server
	Function  Kind = "function"  // a function call, also by RPC
)

// A label identifies operations that are counted together.
type label struct {
	project, service, name string
	kind                   Kind
	what                   string // the call
}

// A labeller gives the operations of one or more traces their labels.
type labeller struct {
	labels     []label
	index      map[label]int32
	statements map[string]string // the call by the text of a statement
	shapes     map[string]string // the call by a statement without literals
	requests   map[string]string // the call by the JSON text of a request
}

func newLabeller() *labeller {
	return &labeller{index: map[label]int32{}, statements: map[string]string{}, shapes: map[string]string{}, requests: map[string]string{}}
}

// labelsOf returns the index of the label of each operation of each trace.
func (l *labeller) labelsOf(traces ...*trace) [][]int32 {
	all := make([][]int32, len(traces))
	for side, t := range traces {
		all[side] = make([]int32, len(t.nodes))
		for i, n := range t.nodes {
			kind, what := l.call(n)
			all[side][i] = l.number(label{n.Project, n.Service, n.Name, kind, what})
		}
	}
	l.joinNames(traces, all)
	return all
}

// number returns the index of a label.
func (l *labeller) number(own label) int32 {
	index, ok := l.index[own]
	if !ok {
		index = int32(len(l.labels))
		l.index[own] = index
		l.labels = append(l.labels, own)
	}
	return index
}

// ranks returns the position of each label in the order of their texts.
func (l *labeller) ranks() []int32 {
	order := make([]int32, len(l.labels))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int { return l.labels[x].compare(l.labels[y]) })
	ranks := make([]int32, len(order))
	for rank, i := range order {
		ranks[i] = int32(rank)
	}
	return ranks
}

func (l label) compare(other label) int {
	return cmp.Or(strings.Compare(l.project, other.project), strings.Compare(l.service, other.service), strings.Compare(l.name, other.name),
		strings.Compare(string(l.kind), string(other.kind)), strings.Compare(l.what, other.what))
}

// call returns the call of an operation. The start has it. If the start is missing, the stop
// may have it.
func (l *labeller) call(n *reader.Node) (kind Kind, what string) {
	event, ok := n.Event(osprofiler.Start)
	if !ok {
		if event, ok = n.Event(osprofiler.Stop); !ok {
			return "", ""
		}
	}
	for key, raw := range event.Info().Members() {
		switch key {
		case "db":
			return Statement, l.statement(describe.Member(raw, "statement"))
		case "request":
			return Request, cached(l.requests, raw, serverRequest)
		case "requests":
			return Request, cached(l.requests, raw, clientRequest)
		case "function":
			return Function, describe.Member(raw, "name")
		}
	}
	return "", ""
}

// cached returns of(text), which it computes once for each text.
func cached(results map[string]string, text string, of func(string) string) string {
	result, ok := results[text]
	if !ok {
		result = of(text)
		results[text] = result
	}
	return result
}

// lists matches the lists of values after IN, and rows matches the rows of values after
// VALUES.
var (
	lists = regexp.MustCompile(`(?i)(\bIN) ?\( ?` + value + `(?: ?, ?` + value + `)* ?\)`)
	rows  = regexp.MustCompile(`(?i)(\bVALUES) ?\( ?` + value + `[^()]*\)(?: ?, ?\( ?` + value + `[^()]*\))*`)
)

// value matches a placeholder, or the replacement of a removed literal.
const value = `(?:\*\*\*|\?\d*|%s|%\(\w+\)s|[:@$]\w+|__\[POSTCOMPILE_\w+\])`

// ping is the statement with which pools test their connections.
const ping = "SELECT 1"

// statement returns a statement without its literals, on one line.
func (l *labeller) statement(sql string) string {
	return cached(l.statements, sql, func(sql string) string {
		if strings.TrimSpace(sql) == ping {
			return ping
		}
		return cached(l.shapes, tags.Redaction{SQLLiterals: true}.SQL(sql), withoutLists)
	})
}

// withoutLists returns a statement on one line with (…) for each list of values.
func withoutLists(sql string) string {
	sql = strings.Join(strings.Fields(sql), " ")
	return rows.ReplaceAllString(lists.ReplaceAllString(sql, "$1 (…)"), "$1 (…)")
}

func serverRequest(raw string) string {
	return strings.TrimSpace(describe.Member(raw, "method") + " " + path(raw))
}

func clientRequest(raw string) string {
	text := describe.Member(raw, "method") + " "
	if scheme := describe.Member(raw, "scheme"); scheme != "" {
		text += scheme + "://"
	}
	text += describe.Member(raw, "hostname")
	if port := describe.Member(raw, "port"); port != "" && !isEphemeral(port) {
		text += ":" + port
	}
	return strings.TrimSpace(text + path(raw))
}

// isEphemeral reports whether a port is one that systems give to programs that request no
// particular port, so that it differs from start to start. 35357 is excluded because it is
// the port of Keystone's old service for administrators.
func isEphemeral(port string) bool {
	n, err := strconv.Atoi(port)
	return err == nil && n >= 32768 && n != 35357
}

// path returns the path of a request with {id} for ids and numbers, and with the names of the
// query's parameters.
func path(raw string) string {
	parts := strings.Split(describe.Member(raw, "path"), "/")
	for i, part := range parts {
		parts[i] = withoutID(part)
	}
	text := strings.Join(parts, "/")
	query := describe.Member(raw, "query")
	if query == "" {
		return text
	}
	parameters := strings.Split(query, "&")
	for i, parameter := range parameters {
		if name, _, ok := strings.Cut(parameter, "="); ok {
			parameters[i] = name + "=…"
		}
	}
	return text + "?" + strings.Join(parameters, "&")
}

// withoutID returns {id} for a part of a path that is a number, a UUID with or without
// dashes, or another text of hexadecimal digits with the length of a hash. An ending such as
// .json stays.
func withoutID(part string) string {
	name, ending, hasEnding := strings.Cut(part, ".")
	bare := strings.ReplaceAll(name, "-", "")
	isNumber := bare != "" && bare == name && strings.Trim(bare, "0123456789") == ""
	isHash := len(bare) >= 16 && strings.Trim(bare, "0123456789abcdefABCDEF") == ""
	switch {
	case !isNumber && !isHash, isNumber && hasEnding: // such as 2.1, which is a version
		return part
	case hasEnding:
		return "{id}." + ending
	}
	return "{id}"
}

// A Ref names an operation.
type Ref struct {
	Op      int    `json:"op"`
	ID      string `json:"id"` // its trace_id
	Project string `json:"project"`
	Service string `json:"service"`
	Name    string `json:"name"`
	What    string `json:"what"` // the call of its label, at most 1,000 bytes
}

// mostWhat bounds the calls in the results.
const mostWhat = 1000

// shortWhat returns the call of the label, in at most mostWhat bytes. It shortens a longer
// statement by the columns of its SELECT first.
func (l label) shortWhat() string {
	if len(l.what) > mostWhat && l.kind == Statement {
		return shortened(describe.Statement(l.what))
	}
	return shortened(l.what)
}

// shortened returns a text of at most mostWhat bytes.
func shortened(text string) string {
	if len(text) <= mostWhat {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:mostWhat-len(mark)], "") + mark
}
