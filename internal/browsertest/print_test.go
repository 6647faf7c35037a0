package browsertest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// The printed page has the title, the findings and all rows of the tree.
func TestPrint(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		r := volume(t)
		w := show(t, r, browser.View{Scheme: scheme})
		w.checkPrint(r)
		pdf, err := browser.Run(w.Page, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
		w.must(err)
		if pages := bytes.Count(pdf, []byte("/Type /Page\n")); !bytes.HasPrefix(pdf, []byte("%PDF")) || pages < 1 || pages > 5 {
			t.Errorf("the PDF has %d bytes and %d pages", len(pdf), pages)
		}
	}
}

// checkPrint compares the printed page with the report.
func (w *window) checkPrint(r *reader.Report) {
	w.t.Helper()
	w.must(browser.Call(w.Page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	w.run(`dispatchEvent(new Event("beforeprint"))`)
	text := eval[string](w, `document.body.innerText`)
	for i, n := range analyze.Trace(r).Findings {
		if plain := strings.ReplaceAll(n.Text, "`", ""); !strings.Contains(text, plain) {
			w.t.Errorf("finding %d is not printed: %q", i, plain)
		}
	}
	i := 0
	for _, n := range r.Nodes() {
		row := eval[string](w, fmt.Sprintf(`document.querySelectorAll("#print tbody tr")[%d].innerText`, i))
		if !strings.Contains(row, n.Name) {
			w.t.Errorf("row %d on paper is %q, want the name %q", i, row, n.Name)
		}
		i++
	}
	if dark := eval[bool](w, `getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).some((c) => c < 200) && getComputedStyle(document.body).backgroundColor !== "rgba(0, 0, 0, 0)"`); dark {
		w.t.Error("the paper is dark")
	}
	if eval[bool](w, `document.getElementById("tools").offsetParent !== null`) {
		w.t.Error("the buttons are printed")
	}
	w.run(`dispatchEvent(new Event("afterprint"))`)
	w.must(browser.Call(w.Page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}

// Only a part of a large trace is printed, and the printed page says so.
func TestPrintLargeTrace(t *testing.T) {
	w := show(t, build(t, notifications(largeTrace(20_000))), browser.View{})
	w.run(`dispatchEvent(new Event("beforeprint"))`)
	if text := w.text("#print"); !strings.Contains(text, "rows are left out") {
		t.Errorf("the paper does not say that rows are left out: …%s", text[max(0, len(text)-200):])
	}
}
