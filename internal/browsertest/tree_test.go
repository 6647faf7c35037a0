package browsertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
)

func TestCollapse(t *testing.T) {
	r := volume(t)
	w := show(t, r, browser.View{})
	all := w.rowCount()
	w.click("#collapse-all")
	if got := w.rowCount(); got != len(r.Children) {
		t.Errorf("%d rows after Collapse all, want %d", got, len(r.Children))
	}
	w.click("#expand-all")
	if got := w.rowCount(); got != all {
		t.Errorf("%d rows after Expand all, want %d", got, all)
	}
	w.click(`.row[data-op="1"] .twisty`)
	if got, want := w.rowCount(), all-len(r.Children[1].Children); got != want {
		t.Errorf("%d rows after a click on the triangle, want %d", got, want)
	}
	if got := eval[string](w, `document.querySelector('.row[data-op="1"]').getAttribute("aria-expanded")`); got != "false" {
		t.Errorf("aria-expanded is %q, want false", got)
	}
	w.click(`.row[data-op="1"] .twisty`)
	w.run(`const d = document.getElementById("expand-depth"); d.value = "1"; d.dispatchEvent(new Event("change", { bubbles: true }))`)
	if got := w.rowCount(); got != len(r.Children) {
		t.Errorf("%d rows at depth 1, want %d", got, len(r.Children))
	}
}

// All functions of the page work without a mouse.
func TestKeyboardOnly(t *testing.T) {
	r := volume(t)
	w := show(t, r, browser.View{})
	w.checkTabOrder()

	selected := func() int { return eval[int](w, `state.selected`) }
	w.run(`document.activeElement.blur()`)
	w.press(kb.ArrowDown) // the first
	w.press(kb.ArrowDown) // POST /v3/auth/tokens
	if got := selected(); got != 1 {
		t.Fatalf("the arrow goes to %d, want 1", got)
	}
	if got := eval[string](w, `document.activeElement.dataset.op ?? ""`); got != "1" {
		t.Errorf("the row that is selected has no focus: %q", got)
	}
	before := w.rowCount()
	w.press(kb.ArrowLeft)
	if got, want := w.rowCount(), before-len(r.Children[1].Children); got != want {
		t.Errorf("%d rows after the arrow to the left, want %d", got, want)
	}
	w.press(kb.ArrowRight)
	w.press(kb.ArrowRight)
	if got := selected(); got != 2 {
		t.Errorf("the arrow to the right goes to %d, want the first child 2", got)
	}
	w.press(kb.ArrowLeft)
	w.press(kb.End)
	if got := selected(); got != 48 {
		t.Errorf("End goes to %d, want 48", got)
	}
	w.press(kb.Home)
	w.press(kb.PageDown)
	if got := selected(); got < 5 {
		t.Errorf("PageDown goes to %d", got)
	}
	w.press(kb.Enter)
	w.await(`document.getElementById("details").dataset.ready === "yes" && document.getElementById("details").contains(document.activeElement)`)
	w.press(kb.Escape)
	if !eval[bool](w, `document.activeElement.closest("#tree") !== null`) {
		t.Error("Escape does not return to the tree")
	}
	w.press("/")
	w.press("quota")
	w.await(`search.text === "quota" && !search.busy`)
	w.press(kb.Escape)
	w.press(kb.Escape)
	w.press("?")
	w.await(`document.getElementById("help").open`)
	w.press(kb.Escape)
	w.await(`!document.getElementById("help").open`)
	for key, view := range map[string]string{"g": "flame", "s": "services", "t": "tree"} {
		w.press(key)
		w.await(`state.view === "` + view + `"`)
	}
}

// checkTabOrder presses Tab until the focus leaves the page, and checks that each
// stop is visible and that none is missing.
func (w *window) checkTabOrder() {
	w.t.Helper()
	var stops []string
	for range 80 {
		w.press(kb.Tab)
		stop := eval[string](w, `(() => {
			const e = document.activeElement;
			if (!e || e === document.body) return "";
			const s = getComputedStyle(e), b = e.getBoundingClientRect();
			const seen = s.outlineStyle !== "none" || s.boxShadow !== "none" || e.matches(".row, canvas") || e.closest("#filters") !== null;
			return (e.classList.contains("row") ? "row" : e.id || e.className || e.tagName) + (seen ? "" : " without outline") + (b.width > 0 ? "" : " without size");
		})()`)
		if stop == "" || slices.Contains(stops, stop) && stop == "side-toggle" {
			break
		}
		stops = append(stops, stop)
	}
	for _, want := range []string{"side-toggle", "theme-toggle", "help-open", "tab-tree", "search-text", "filter-service", "filter-name", "filter-duration", "filter-critical", "expand-all", "zoom-in", "row", "tab-findings"} {
		if !slices.Contains(stops, want) {
			w.t.Errorf("Tab does not stop at %s: %q", want, stops)
		}
	}
	for _, stop := range stops {
		if strings.Contains(stop, "without") {
			w.t.Errorf("the focus cannot be seen: %s", stop)
		}
	}
}

func TestFlameGraph(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.click("#tab-flame")
	w.settle()
	if got := w.flameColours(); got < 4 {
		t.Errorf("the flame graph has %d colours", got)
	}
	w.click("#flame-canvas")
	w.press(kb.ArrowDown)
	w.press(kb.ArrowRight)
	if tip := w.text("#flame-tip"); tip == "" || strings.HasPrefix(tip, "Point at") {
		t.Errorf("the keys select no frame: %q", tip)
	}
	w.press(kb.Enter)
	w.press(kb.Escape)
	w.click("#flame-time")
	w.settle()
	if got := eval[string](w, `document.getElementById("flame-time").ariaPressed`); got != "true" {
		t.Errorf("In order of time is pressed: %s", got)
	}
}

// flameColours returns how many colours the flame graph has.
func (w *window) flameColours() int {
	w.t.Helper()
	return eval[int](w, `(() => { const c = document.getElementById("flame-canvas"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; const colours = new Set(); for (let i = 0; i < d.length; i += 4) colours.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return colours.size })()`)
}

func TestThemes(t *testing.T) {
	w := show(t, volume(t), browser.View{Scheme: "dark"})
	dark := func() bool {
		return eval[bool](w, `(() => { const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g); return Number(r) + Number(g) + Number(b) < 200 })()`)
	}
	if !dark() {
		t.Error("the page is not dark")
	}
	w.must(w.Look(browser.View{Scheme: "light"}))
	w.settle()
	if dark() {
		t.Error("the page does not follow the system")
	}
	w.click("#theme-toggle")
	w.settle()
	if !dark() {
		t.Error("the button does not change the theme")
	}
	w.must(w.Do(chromedp.Reload()))
	w.await(`document.documentElement.dataset.ready`)
	if !dark() {
		t.Error("the choice is not remembered")
	}
}

// The page is not wider than the screen of a phone.
func TestNarrowPage(t *testing.T) {
	for _, width := range []int64{320, 400, 760, 1280, 2560} {
		w := show(t, volume(t), browser.View{Width: width, Height: 800})
		for _, tab := range []string{"tree", "flame", "services", "stats"} {
			w.click("#tab-" + tab)
			if got := eval[int64](w, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("%s at %d pixels: the page is %d pixels wide", tab, width, got)
			}
		}
	}
}
