package browsertest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// The details show everything that the report contains about an operation.
func TestDetails(t *testing.T) {
	for _, path := range openStackTraces(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			r := parse(t, path)
			w := show(t, r, browser.View{})
			i := 0
			for _, n := range r.Nodes() {
				if i%7 == 0 { // enough, because operations of a trace are alike
					w.selectOp(i)
					checkDetails(t, w, i, n)
				}
				i++
			}
		})
	}
}

// checkDetails looks for every text and number of the operation in the details.
func checkDetails(t *testing.T, w *window, op int, n *reader.Node) {
	t.Helper()
	shown := w.text("#details")
	values := []string{n.Service, n.Project, n.Host, n.TraceID}
	for _, e := range n.Events {
		values = append(values, scalars(e.Payload)...)
	}
	for _, v := range values {
		if !strings.Contains(shown, v) {
			t.Errorf("the details of operation %d do not have %q", op, v)
		}
	}
}

// scalars returns the texts and numbers in a JSON value. For a long text it returns the
// beginning, because the page cuts long texts.
func scalars(raw string) (all []string) {
	switch pyjson.KindOf(raw) {
	case pyjson.Object:
		for key, value := range pyjson.Members(raw) {
			if key != "otel" { // the page shows the content of otel, not its JSON
				all = append(append(all, key), scalars(value)...)
			}
		}
	case pyjson.Array:
		for value := range pyjson.Elements(raw) {
			all = append(all, scalars(value)...)
		}
	case pyjson.String:
		text, _ := pyjson.Text(raw)
		for line := range strings.Lines(text[:min(len(text), 200)]) {
			all = append(all, strings.ToValidUTF8(strings.TrimSpace(line), ""))
		}
	default:
		all = append(all, raw)
	}
	return all
}

// The head, the details and the printed page show the same duration of the trace.
func TestOneDuration(t *testing.T) {
	r, err := reader.ParseReport(`{"children": [{"info": {"name": "early", "started": -50, "finished": 100}, "trace_id": "a", "children": []}]}`)
	if err != nil {
		t.Fatal(err)
	}
	w := show(t, r, browser.View{})
	w.selectOp(0)
	space := strings.NewReplacer("\u202f", " ", "\u00a0", " ", "\u2009", " ")
	for selector, want := range map[string]string{"#facts": "150 ms", "#details": "150 ms (100 % of the trace)", `.row[data-op="0"] .cell-duration`: "150 ms"} {
		if got := space.Replace(w.text(selector)); !strings.Contains(got, want) {
			t.Errorf("%s does not have %q: %s", selector, want, got)
		}
	}
}

func TestCopy(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.selectOp(3)
	copied := func(button string) string {
		w.run(fmt.Sprintf(`[...document.querySelectorAll("#details .actions button")].find((b) => b.textContent === %q).id = "wanted"`, button))
		w.click("#wanted")
		w.await(`document.querySelector("#wanted").dataset.copied === "yes"`)
		w.run(`document.querySelector("#wanted").id = ""`)
		return w.paste()
	}
	wanted := eval[string](w, `str(T.id[3])`)
	if got := copied("Id"); got != wanted {
		t.Errorf("the id %q was copied, want %q", got, wanted)
	}
	if got := copied("Link"); !strings.HasSuffix(got, "/trace.html#op="+wanted) || !strings.HasPrefix(got, "file:///") {
		t.Errorf("the link %q was copied", got)
	}
	var operation map[string]any
	got := copied("JSON")
	if err := json.Unmarshal([]byte(got), &operation); err != nil || operation["name"] != "db" {
		t.Errorf("%q was copied (%v), want the JSON of the operation", got, err)
	}
	w.click(`#details [data-section="operation"] .copy`)
	w.await(`document.querySelector('#details [data-section="operation"] .copy').dataset.copied === "yes"`)
	if got := w.paste(); got != "public" {
		t.Errorf("%q was copied, want the service", got)
	}
}

// paste returns the text of the clipboard.
func (w *window) paste() string {
	w.t.Helper()
	w.run(`const area = document.createElement("textarea"); area.id = "pasted"; document.body.append(area); area.focus()`)
	w.must(browser.Call(w.Page, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: "v", Code: "KeyV", Modifiers: 2, WindowsVirtualKeyCode: 86, Commands: []string{"paste"},
	}))
	defer w.run(`document.getElementById("pasted").remove()`)
	return eval[string](w, `document.getElementById("pasted").value`)
}

// Each operation has a URL of its own, which opens the page with that operation selected.
func TestLinks(t *testing.T) {
	r := volume(t)
	path := writePage(t, r)
	const op = 40
	i, wanted := 0, ""
	for _, n := range r.Nodes() {
		if i == op {
			wanted = n.TraceID
		}
		i++
	}
	w := openBlank(t, browser.View{})
	w.must(w.Open("file://" + path + "#op=" + wanted))
	w.await(`document.getElementById("details").dataset.ready === "yes"`)
	if got := eval[int](w, `state.selected`); got != op {
		t.Errorf("the address opens operation %d, want %d", got, op)
	}
	w.run(`location.hash = "op=" + str(T.id[5])`)
	w.await(`state.selected === 5`)
	w.run(`select(7)`)
	w.await(`location.hash === "#op=" + str(T.id[7])`)
	w.run(`location.hash = "op=none"`)
	w.await(`document.getElementById("live").textContent.includes("not in this trace")`)
}

// The reader reads a report back from our page without loss.
func TestPageIsReadAgain(t *testing.T) {
	for _, path := range openStackTraces(t) {
		r := parse(t, path)
		again := parse(t, writePage(t, r))
		want, _ := r.MarshalJSON()
		got, _ := again.MarshalJSON()
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// A request with an HTTP status of 5xx failed. One with 4xx did not.
func TestHTTPStatus(t *testing.T) {
	w := show(t, build(t, notifications(func(yield func(operation) bool) {
		for i, code := range []int{200, 404, 503} {
			at := time.Duration(i) * time.Millisecond
			info := osprofiler.Info(fmt.Sprintf(`{"requests": {"status_code": %d}, "host": "h"}`, code))
			if !yield(operation{name: "http", service: "s", parent: -1, begin: at, end: at + time.Millisecond, stop: info}) {
				return
			}
		}
	})), browser.View{})
	for i, row := range w.rows() {
		if row.Failed != (i == 2) {
			t.Errorf("row %d is marked as failed: %v", i, row.Failed)
		}
	}
	if got := w.text(`.row[data-op="2"] .error`); got != "HTTP 503" {
		t.Errorf("the row says %q", got)
	}
	if got := eval[int](w, `T.failed`); got != 1 {
		t.Errorf("the head counts %d failures", got)
	}
}
