package html_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/internal/readertest"
	"github.com/osprofiler-otel/osprofiler/reader/render/html"
)

func write(t rapid.TB, r *reader.Report, opts ...html.Option) string {
	t.Helper()
	var page bytes.Buffer
	if err := html.Write(&page, r, opts...); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func parse(t rapid.TB, text string) *reader.Report {
	t.Helper()
	r, err := reader.ParseReport(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// element returns the chunks of a data element.
func element(t rapid.TB, page, id string) (chunks [][]byte) {
	t.Helper()
	_, rest, ok := strings.Cut(page, `id="`+id+`" data-encoding="`)
	_, rest, _ = strings.Cut(rest, ">")
	text, _, end := strings.Cut(rest, "</script>")
	if !ok || !end {
		t.Fatalf("the page has no element %q", id)
	}
	for line := range strings.SplitSeq(text, "\n") {
		r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(line)))
		if err != nil {
			t.Fatal(err)
		}
		chunk, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		chunks = append(chunks, chunk)
	}
	return chunks
}

// An index has the members of the element "data" that the tests need.
type index struct {
	Title   string
	Strings []string
	IDs     []byte
	Ticks   float64
	Ops     struct {
		Parent, Name, ID, Flags []int
		Begin, Length           []float64 // sums of the differences, in µs
		At, Size, Call          []int     // At is the sum
		Shift                   []float64
	}
	Report struct{ Length, Chunk int }
}

func indexOf(t rapid.TB, page string) (x index) {
	t.Helper()
	if err := json.Unmarshal(element(t, page, "data")[0], &x); err != nil {
		t.Fatal(err)
	}
	at, id, begin := 0, 0, 0.0
	for i := range x.Ops.Begin {
		begin += x.Ops.Begin[i]
		at += x.Ops.At[i]
		id += x.Ops.ID[i]
		x.Ops.ID[i] = id
		x.Ops.Begin[i], x.Ops.Length[i], x.Ops.At[i] = begin/x.Ticks, x.Ops.Length[i]/x.Ticks, at
		at += x.Ops.Size[i]
	}
	return x
}

// id returns the id of an operation.
func (x index) id(op int) string {
	number := x.Ops.ID[op]
	if number >= 0 {
		return x.Strings[number]
	}
	b := x.IDs[16*(-1-number):][:16]
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func openStack(t *testing.T) map[string]*reader.Report {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/openstack/*.report.json")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	reports := map[string]*reader.Report{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		reports[filepath.Base(path)] = parse(t, string(text))
	}
	return reports
}

func TestIndexOfOpenStackTraces(t *testing.T) {
	for name, r := range openStack(t) {
		page := write(t, r)
		x, report := indexOf(t, page), bytes.Join(element(t, page, "report"), nil)
		i := 0
		var open []int
		for depth, n := range r.Nodes() {
			parent := -1
			if depth > 0 {
				parent = open[depth-1]
			}
			open = append(open[:depth], i)
			if x.Ops.Parent[i] != parent || x.Strings[x.Ops.Name[i]] != n.Name || x.id(i) != n.TraceID ||
				int64(x.Ops.Begin[i]*1000) != int64(n.Begin) || int64(x.Ops.Length[i]*1000) != int64(n.End-n.Begin) || (x.Ops.Flags[i]&1 != 0) != n.Failed {
				t.Errorf("%s: operation %d does not agree with %+v", name, i, n)
			}
			info := report[x.Ops.At[i]:][:x.Ops.Size[i]]
			for _, e := range n.Events {
				if !json.Valid(info) || !bytes.Contains(info, []byte(`"`+e.Key()+`": `)) {
					t.Errorf("%s: the info of operation %d has no %s: %s", name, i, e.Key(), info)
				}
			}
			i++
		}
		if len(x.Ops.Parent) != i {
			t.Errorf("%s: %d operations, want %d", name, len(x.Ops.Parent), i)
		}
	}
}

// The page merges the calls that the analysis counts together.
func TestCalls(t *testing.T) {
	for name, r := range openStack(t) {
		x := indexOf(t, write(t, r))
		if want := analyze.Trace(r).CallOf; !slices.Equal(x.Ops.Call, want) {
			t.Errorf("%s: the calls are %v, want %v", name, x.Ops.Call, want)
		}
		if x.Ops.Shift != nil {
			t.Errorf("%s: times are shifted though no clock was corrected: %v", name, x.Ops.Shift)
		}
	}
}

// The page draws the critical path on the bars. The bars show the recorded times.
func TestShift(t *testing.T) {
	node := func(id, parent, host, times, start, stop, children string) string {
		half := func(half, second string) string {
			return `"meta.raw_payload.f-` + half + `":{"name":"f-` + half + `","base_id":"b","trace_id":"` + id + `","parent_id":"` + parent +
				`","timestamp":"2026-11-22T07:20:` + second + `","project":"p","service":"s","info":{"host":"` + host + `"}}`
		}
		return `{"info":{"name":"f","project":"p","service":"s","host":"` + host + `",` + times + "," + half("start", start) + "," +
			half("stop", stop) + `},"trace_id":"` + id + `","parent_id":"` + parent + `","children":[` + children + `]}`
	}
	child := node("w", "a", "h2", `"started":0,"finished":20`, "00.040000", "00.060000", "")
	r := parse(t, `{"info":{"name":"total"},"children":[`+node("a", "b", "h", `"started":60,"finished":90`, "00.100000", "00.130000", child)+`],"stats":{}}`)
	x := indexOf(t, write(t, r))
	var want []float64
	for _, shift := range analyze.Trace(r).Shift {
		want = append(want, float64(shift)/1000)
	}
	if len(want) != 2 || want[1] <= 0 || !slices.Equal(x.Ops.Shift, want) {
		t.Errorf("the shift is %v, want %v, the second above 0", x.Ops.Shift, want)
	}
}

// ParseReport reads the whole report from a page.
func TestReadAgain(t *testing.T) {
	reports := openStack(t)
	for name, text := range map[string]string{
		"no operation": `{"children": []}`,
		"unknown":      `{"x": [1, NaN], "children": [{"y": 1e400, "trace_id": "a", "children": [], "info": {"name": "n"}}], "info": {}}`,
		"irregular":    `{"children": [{"trace_id": "a", "info": {"name": "n", "meta.raw_payload.n-start": {"name": "n-start", "x": "\ud800é"}}}, 5]}`,
		"repeated":     `{"children": [], "children": [{"info": {"name": "a"}, "children": null}]}`,
	} {
		reports[name] = parse(t, text)
	}
	for name, r := range reports {
		t.Run(name, func(t *testing.T) { checkReadAgain(t, r) })
	}
}

func checkReadAgain(t rapid.TB, r *reader.Report) {
	t.Helper()
	var want, got bytes.Buffer
	if err := errors.Join(r.EncodeJSON(&want), parse(t, write(t, r)).EncodeJSON(&got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("the report in the page (-want +got):\n%s", diff)
	}
}

func TestReadAgainOddTraces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := oddReport(t)
		checkReadAgain(t, r)
		page := write(t, r)
		x, report := indexOf(t, page), bytes.Join(element(t, page, "report"), nil)
		i := 0
		for _, n := range r.Nodes() {
			info := string(report[x.Ops.At[i]:][:x.Ops.Size[i]])
			for _, e := range n.Events {
				if !strings.Contains(info, string(pyjson.AppendString(nil, e.Key()))+": ") {
					t.Errorf("the info of operation %d has no %q: %s", i, e.Key(), info)
				}
			}
			checkTimes(t, x, i, n)
			i++
		}
	})
}

// checkTimes compares the times of an operation. The sums of time differences have no
// rounding error. For a very long trace whole microseconds are enough, and for a trace of
// centuries the precision of a float64 is enough.
func checkTimes(t *rapid.T, x index, op int, n *reader.Node) {
	begin, length := n.Begin, n.End-n.Begin
	if !n.Timed {
		begin, length = 0, 0
	}
	for name, c := range map[string]struct {
		got  float64 // in µs
		want time.Duration
	}{"begin": {x.Ops.Begin[op], begin}, "length": {x.Ops.Length[op], length}} {
		tolerance := 2000.0
		if x.Ticks != 1 {
			tolerance = 0.5
		}
		tolerance = max(tolerance, math.Abs(float64(c.want))*1e-15)
		if got := c.got * 1000; math.Abs(got-float64(c.want)) > tolerance {
			t.Errorf("operation %d has the %s %f ns, want %d, with %v ticks", op, name, got, c.want, x.Ticks)
		}
	}
	if x.id(op) != n.TraceID && utf8.ValidString(n.TraceID) {
		t.Errorf("operation %d has the id %q, want %q", op, x.id(op), n.TraceID)
	}
}

// oddReport builds the report of a generated trace.
func oddReport(t *rapid.T) *reader.Report {
	text := readertest.OddTrace(rapid.SampledFrom([]int{5, 40, 90}).Draw(t, "oddness")).Draw(t, "trace")
	r, err := reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) {
		for raw := range pyjson.Elements(text) {
			if n, err := osprofiler.ParseNotification(raw); err == nil && !yield(n, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A report of several chunks can be read from the page, and its operations are found in the
// chunks.
func TestChunks(t *testing.T) {
	var children strings.Builder
	for i := range 3000 {
		if i > 0 {
			children.WriteString(", ")
		}
		children.WriteString(`{"info": {"name": "db", "statement": "` + strings.Repeat("x", i%500) + `"}, "trace_id": "t", "parent_id": "b", "children": []}`)
	}
	r := parse(t, `{"children": [`+children.String()+`]}`)
	page := write(t, r)
	chunks := element(t, page, "report")
	x := indexOf(t, page)
	if len(chunks) < 3 {
		t.Fatalf("%d chunks, want several", len(chunks))
	}
	for i, c := range chunks[:len(chunks)-1] {
		if len(c) != x.Report.Chunk {
			t.Errorf("chunk %d has %d bytes, want %d", i, len(c), x.Report.Chunk)
		}
	}
	if got := len(bytes.Join(chunks, nil)); got != x.Report.Length {
		t.Errorf("the report has %d bytes, want %d", got, x.Report.Length)
	}
	checkReadAgain(t, r)
}

func TestTitle(t *testing.T) {
	const evil = "</title><script>alert(1)</script>\u202e\x00"
	for _, c := range []struct {
		report string
		opts   []html.Option
		want   string
	}{
		{`{"children": []}`, nil, "Trace"},
		{`{"children": [{"info": {"name": "wsgi", "service": "api", "started": 0, "finished": 1}, "children": []}, {"info": {"name": "rpc", "service": "compute", "started": 1, "finished": 9}, "children": []}]}`, nil, "compute: rpc · Trace"},
		{`{"children": []}`, []html.Option{html.WithTitle(evil)}, "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;\u202e\uFFFD"},
	} {
		_, rest, _ := strings.Cut(write(t, parse(t, c.report), c.opts...), "<title>")
		if got, _, _ := strings.Cut(rest, "</title>"); got != c.want {
			t.Errorf("the title is %q, want %q", got, c.want)
		}
	}
}

// The page has no address of anything outside of itself, and no script or style sheet whose
// hash is not in the policy.
func TestSelfContained(t *testing.T) {
	page := write(t, parse(t, `{"children": []}`))
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`).FindStringSubmatch(page)
	if len(policy) != 2 || strings.Contains(policy[1], "unsafe") || !strings.HasPrefix(policy[1], "default-src 'none'; ") {
		t.Fatalf("the policy is %q", policy)
	}
	inline := regexp.MustCompile(`<(script|style)>`).FindAllString(page, -1)
	if hashes := strings.Count(policy[1], "'sha256-"); hashes != len(inline) || hashes < 2 {
		t.Errorf("%d hashes for %d scripts and style sheets", hashes, len(inline))
	}
	for _, pattern := range []string{`(?i)<script[^>]+src=`, `(?i)<link[^>]+stylesheet`, `(?i)@import`, `(?i)url\((?:['"]?)(?:https?:)?//`, `(?i)(?:src|href)="(?:https?:)?//`, `<!--[A-Z]+-->`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("the page contains %q", found)
		}
	}
	if at := strings.Index(page, "Content-Security-Policy"); at > strings.Index(page, "<script") {
		t.Error("a script stands before the policy")
	}
}

// No text of a trace is in the page unencoded.
func TestTextsAreEncoded(t *testing.T) {
	const evil = "</script><img src=x>"
	page := write(t, parse(t, `{"children": [{"info": {"name": "`+evil+`"}, "trace_id": "`+evil+`", "children": []}]}`))
	_, body, _ := strings.Cut(page, "</title>")
	if strings.Contains(body, evil) {
		t.Error("the page contains the markup of the trace")
	}
	if x := indexOf(t, page); x.Strings[x.Ops.Name[0]] != evil {
		t.Errorf("the index has the name %q", x.Strings[x.Ops.Name[0]])
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriteError(t *testing.T) {
	if err := html.Write(brokenWriter{}, parse(t, `{"children": []}`)); err == nil || err.Error() != "no space left" {
		t.Errorf("the error is %v", err)
	}
}
