package browsertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
)

// A page that a browser saved in its current state opens like the original page.
func TestSavedPage(t *testing.T) {
	r := volume(t)
	w := show(t, r, browser.View{})
	w.selectOp(3)
	w.run(`setView("services")`)
	path := filepath.Join(t.TempDir(), "saved.html")
	text := eval[string](w, `"<!doctype html>" + document.documentElement.outerHTML`)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// The policy of the page refuses the style attributes that were saved, which
	// the browser reports and which are not used.
	saved := openForeign(t, browser.View{})
	saved.must(saved.Open("file://" + path))
	saved.await(`T !== null && document.documentElement.dataset.ready === "1"`)
	saved.selectOp(4)
	if got := saved.count("#app") + saved.count("#help h2") + saved.count("#services-table"); got != 2 {
		t.Errorf("parts of the page are there twice, or the state was kept: %d", got)
	}
	if got := eval[int](saved, `tree.rows.length`); got != w.rowCount() {
		t.Errorf("%d rows, want %d", got, w.rowCount())
	}
}

// The search does not find the names of JSON members.
func TestSearchLeavesMemberNamesOut(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	for _, text := range []string{"trace_id", "meta.raw_payload", `"host"`} {
		w.search(text)
		if got := eval[int](w, `search.ops.length`); got != 0 {
			t.Errorf("%q: %d operations found, want none", text, got)
		}
	}
}

// A click on a name in the stats shows the operations with exactly this name.
func TestExactName(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.run(`setView("stats"); [...document.querySelectorAll("#stats-table .to-op")].find((b) => b.textContent === "db").click()`)
	if !eval[bool](w, `[...tree.kept.keys()].filter((op) => tree.kept[op] === 2).every((op) => str(T.name[op]) === "db")`) {
		t.Error("other names are shown")
	}
	if got := w.text("#filter-count"); !strings.HasPrefix(got, eval[string](w, `count(groupOps((op) => T.name[op]).find((g) => str(T.name[g.first]) === "db").count)`)+" of ") {
		t.Errorf("the filter counts %q", got)
	}
}

// The keys that select the next marked operation keep the filter while a shown operation has
// the mark. Selecting a hidden operation clears the filter, and the page says so.
func TestMarksWithinFilters(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.run(`document.getElementById("filter-name").value = '"wsgi"'; applyFilters(); select(0); document.activeElement.blur()`)
	w.press("c")
	if !eval[bool](w, `tree.kept !== null && tree.kept[state.selected] === 2`) {
		t.Error("the key c ends the filter though a shown operation is on the critical path")
	}
	w.run(`const op = tree.kept.indexOf(0); visit(op)`)
	if text := w.text("#filter-count"); !eval[bool](w, `tree.kept === null`) || !strings.Contains(text, "cleared") {
		t.Errorf("the filter was cleared, and the page says %q", text)
	}
}

// The tab key reaches the tree even when the cursor's row is scrolled out of view.
func TestTabStopOfScrolledTree(t *testing.T) {
	w := show(t, volume(t), browser.View{Width: 1000, Height: 400})
	w.run(`goTo(T.n - 1)`)
	w.run(`document.getElementById("scroll").scrollTop = 0`)
	w.await(`document.querySelector('.row[tabindex="0"]:not([hidden])')?.op === 0`)
	w.run(`document.querySelector('.row[tabindex="0"]').focus()`)
	w.press(kb.ArrowDown)
	if got := eval[int](w, `state.selected`); got != 1 {
		t.Errorf("the arrow goes to %d, want 1, below the row with the focus", got)
	}
}

// Sorting a table keeps expanded rows open, and keeps what the canvases show.
func TestSortKeepsLines(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.run(`setView("services")`)
	w.click("#services-table .twisty-button")
	w.click("#services-table th:nth-child(4) button")
	drawn := `[...document.querySelectorAll("#services-table canvas")].every((c) => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some(Boolean))`
	if !eval[bool](w, drawn) || w.count(".parts:not([hidden])") != 1 {
		t.Error("the column Active is empty, or the open line is closed")
	}
}
