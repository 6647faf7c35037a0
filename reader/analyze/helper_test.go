package analyze_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Error(args ...any)
}

// A spec is one operation of a test's trace. Times are microseconds; a negative time is
// missing.
type spec struct {
	parent     int // an index, or -1
	name       string
	begin, end int
	host, fail string
	status     string         // HTTP, of the stop
	info       map[string]any // of the start
}

// parse reads a trace from lines of two blanks for each level, a name, the start and
// the stop in milliseconds ("-" if it is missing), and attributes: host=, fail= (an error
// type), status= (of HTTP), path= (of an HTTP server), url= (host/path of an HTTP client), call= (a function),
// or db= and the rest of the line.
func parse(t tester, text string) (all []spec) {
	t.Helper()
	var open []int
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		open = open[:depth]
		s := spec{parent: -1, name: fields[0], begin: at(t, fields[1]), end: at(t, fields[2]), info: map[string]any{}}
		if depth > 0 {
			s.parent = open[depth-1]
		}
		for i, attribute := range fields[3:] {
			key, value, _ := strings.Cut(attribute, "=")
			if key == "db" {
				s.info["db"] = map[string]any{"statement": strings.Join(fields[3+i:], " ")[len("db="):], "params": map[string]any{}}
				break
			}
			s.set(key, value)
		}
		open = append(open, len(all))
		all = append(all, s)
	}
	return all
}

func (s *spec) set(key, value string) {
	switch key {
	case "host":
		s.host = value
	case "status":
		s.status = value
	case "fail":
		s.fail = value
	case "path":
		path, query, _ := strings.Cut(value, "?")
		s.info["request"] = map[string]any{"method": "GET", "path": path, "query": query, "scheme": "http"}
	case "url":
		host, path, _ := strings.Cut(value, "/")
		s.info["requests"] = map[string]any{"method": "GET", "path": "/" + path, "query": "", "scheme": "http", "hostname": host, "port": 8774}
	case "call":
		s.info["function"] = map[string]any{"name": value}
	}
}

func at(t tester, text string) int {
	if text == "-" {
		return -1
	}
	ms, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(ms * 1000)
}

// began is when the traces of the tests begin.
var began = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)

// build makes a report from the operations.
func build(t tester, all []spec) *reader.Report {
	t.Helper()
	report, err := reader.BuildReport(notifications(t, all))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func notifications(t tester, all []spec) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for i, s := range all {
			for half, us := range map[string]int{"start": s.begin, "stop": s.end} {
				if us < 0 {
					continue
				}
				if !yield(s.notification(t, i, half, us), nil) {
					return
				}
			}
		}
	}
}

func (s spec) notification(t tester, i int, half string, us int) osprofiler.Notification {
	info := map[string]any{"host": s.host}
	if half == "start" {
		for key, value := range s.info {
			info[key] = value
		}
	} else if s.fail != "" {
		info["etype"], info["message"] = s.fail, "it failed"
	}
	if half == "stop" && s.status != "" {
		info["requests"] = map[string]any{"status_code": s.status}
	}
	text, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	parent := "b"
	if s.parent >= 0 {
		parent = fmt.Sprint("t", s.parent)
	}
	return osprofiler.Notification{
		Name: s.name + "-" + half, BaseID: "b", TraceID: fmt.Sprint("t", i), ParentID: parent, Project: "p", Service: "s",
		Timestamp: osprofiler.FormatTime(began.Add(time.Duration(us) * time.Microsecond)), Info: osprofiler.Info(text),
	}
}

// report makes a report from a text in the form of parse.
func report(t tester, text string) *reader.Report {
	t.Helper()
	return build(t, parse(t, text))
}

// names returns the names of the operations by their index.
func names(r *reader.Report) (all []string) {
	for _, n := range r.Nodes() {
		all = append(all, n.Name)
	}
	return all
}

// nameOf returns the name of an operation, or "." for None.
func nameOf(r *reader.Report, op int) string {
	if op == analyze.None {
		return "."
	}
	return names(r)[op]
}

// indexOf returns the index of the operation with a name.
func indexOf(t tester, r *reader.Report, name string) int {
	t.Helper()
	i := slices.Index(names(r), name)
	if i < 0 {
		t.Fatalf("there is no operation %q", name)
	}
	return i
}

// ms writes a time in milliseconds.
func ms(d analyze.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64)
}
