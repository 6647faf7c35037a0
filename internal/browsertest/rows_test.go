package browsertest

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// A row is a row of the tree as the page draws it.
type row struct {
	Op, Level              int
	ID, Name, Service      string
	Duration               string
	Failed, Critical       bool
	Repeated, Orphan       bool
	BarLeft, BarWidth      float64 // shares of the timeline, in percent; 0 and 0 without a bar
	TimelineWidth          float64 // in pixels
	Expanded, Index, Title string
}

// collectRows scrolls through the tree and returns all rows.
const collectRows = `(async () => {
	const scroll = document.getElementById("scroll"), all = new Map();
	const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
	for (let top = 0; ; top += scroll.clientHeight / 2) {
		scroll.scrollTop = top;
		await frame();
		for (const row of document.querySelectorAll(".row[data-op]")) {
			if (row.offsetParent === null) continue;
			const text = (name) => row.querySelector(name).textContent;
			const has = (name) => row.querySelector(".marks .mark-" + name + ":not(.off)") !== null;
			const bar = row.querySelector(".bar"), left = row.querySelector(".cell-time").getBoundingClientRect().left;
			const box = bar.hidden ? { left, width: 0 } : bar.getBoundingClientRect();
			all.set(Number(row.dataset.op), {
				Op: Number(row.dataset.op), Level: Number(row.getAttribute("aria-level")), ID: row.dataset.id,
				Name: text(".name"), Service: text(".service"), Duration: text(".cell-duration"),
				Failed: has("failed"), Critical: has("critical"), Repeated: has("repeated"), Orphan: has("orphan"),
				BarLeft: (box.left - left) / timeline.width * 100, BarWidth: box.width / timeline.width * 100, TimelineWidth: timeline.width,
				Expanded: row.getAttribute("aria-expanded") ?? "", Index: row.getAttribute("aria-rowindex"), Title: row.querySelector(".cell-label").title,
			});
		}
		if (top >= scroll.scrollHeight - scroll.clientHeight) break;
	}
	scroll.scrollTop = 0;
	await frame();
	return [...all.values()].sort((a, b) => a.Op - b.Op);
})()`

// rows returns all rows that the tree has now.
func (w *window) rows() []row {
	w.t.Helper()
	return eval[[]row](w, collectRows)
}

// rowCount returns the number of rows that the page reports to a screen reader, without
// the header.
func (w *window) rowCount() int {
	w.t.Helper()
	n, err := strconv.Atoi(eval[string](w, `document.getElementById("tree").getAttribute("aria-rowcount")`))
	w.must(err)
	return n - 1
}

// checkRows compares the rows of the page with the report from which the page was made.
func checkRows(t *testing.T, w *window, r *reader.Report) {
	t.Helper()
	rows, a, i := w.rows(), analyze.Trace(r), 0
	begin, end := extent(r)
	for depth, n := range r.Nodes() {
		if i >= len(rows) {
			break
		}
		got := rows[i]
		failed, critical, repeated := n.Failed, a.Critical[i] > 0, a.InRepeated[i]
		orphan := depth == 0 && n.ParentID != "" && r.BaseID != "" && n.ParentID != r.BaseID
		if got.Op != i || got.ID != n.TraceID || got.Level != depth+1 || got.Index != strconv.Itoa(i+2) || got.Failed != failed ||
			got.Critical != critical || got.Repeated != repeated || got.Orphan != orphan || (got.Expanded == "true") != (len(n.Children) > 0) {
			t.Errorf("row %d is %+v, want id %q, level %d, failed %v, critical %v, repeated %v, orphan %v", i, got, n.TraceID, depth+1, failed, critical, repeated, orphan)
		}
		checkTime(t, got, n, begin, end)
		i++
	}
	count := 0
	for range r.Nodes() {
		count++
	}
	if len(rows) != count || w.rowCount() != count {
		t.Errorf("%d rows are drawn and %d are told, want %d", len(rows), w.rowCount(), count)
	}
}

// extent returns the times that the timeline spans.
func extent(r *reader.Report) (begin, end time.Duration) {
	for _, n := range r.Nodes() {
		if n.Timed {
			begin, end = min(begin, n.Begin, n.End), max(end, n.Begin, n.End)
		}
	}
	return begin, end
}

// checkTime compares the duration and the bar of a row.
func checkTime(t *testing.T, got row, n *reader.Node, begin, end time.Duration) {
	t.Helper()
	elapsed, ok := n.Elapsed()
	if shown, err := parseDuration(got.Duration); ok != (err == nil) || ok && math.Abs(float64(shown-elapsed)) > 0.006*math.Abs(float64(elapsed))+float64(500*time.Nanosecond) {
		t.Errorf("row %d has the duration %q (%v), want %v (known: %v)", got.Op, got.Duration, shown, elapsed, ok)
	}
	if !ok || elapsed < 0 || end <= begin {
		return
	}
	pixel := 100 / got.TimelineWidth
	left, width := 100*float64(n.Begin-begin)/float64(end-begin), 100*float64(elapsed)/float64(end-begin)
	if math.Abs(got.BarLeft-left) > pixel || math.Abs(got.BarWidth-width) > 3*pixel {
		t.Errorf("row %d has a bar at %.2f %% of %.2f %%, want at %.2f %% of %.2f %%", got.Op, got.BarLeft, got.BarWidth, left, width)
	}
}

// parseDuration reads a duration as the page writes it.
func parseDuration(text string) (time.Duration, error) {
	text = strings.Map(func(r rune) rune {
		if slices.Contains([]rune{' ', '\u00a0', '\u202f', '\u2009'}, r) {
			return -1
		}
		return r
	}, text)
	return time.ParseDuration(strings.NewReplacer("\u2212", "-", "min", "m").Replace(text))
}
