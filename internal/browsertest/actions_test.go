package browsertest

import (
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/store"
)

var traceQuery = store.Query{}

// box returns the middle of an element in the window.
func (w *window) box(selector string) (x, y float64) {
	w.t.Helper()
	at := eval[[2]float64](w, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e) throw new Error("there is no " + %[1]q);
		e.scrollIntoView({ block: "nearest" });
		const b = e.getBoundingClientRect();
		if (b.width === 0) throw new Error(%[1]q + " is not visible");
		return [b.left + b.width / 2, b.top + b.height / 2];
	})()`, selector))
	return at[0], at[1]
}

// click clicks the middle of an element with the mouse.
func (w *window) click(selector string) {
	w.t.Helper()
	x, y := w.box(selector)
	w.must(w.Do(chromedp.MouseClickXY(x, y)))
}

// press presses keys one after the other. Package kb has the keys without a character.
// As with a keyboard, a key writes its character only if no script has handled the key.
func (w *window) press(keys string, modifiers ...chromedp.Modifier) {
	w.t.Helper()
	var all chromedp.Modifier
	for _, m := range modifiers {
		all |= m
	}
	for _, r := range keys {
		key, ok := kb.Keys[r]
		if !ok {
			key = &kb.Key{Key: string(r), Text: string(r), Print: true}
		}
		e := input.DispatchKeyEventParams{
			Type: input.DispatchKeyEventTypeKeyDown, Key: key.Key, Code: key.Code, Text: key.Text,
			WindowsVirtualKeyCode: key.Windows, NativeVirtualKeyCode: key.Native, Modifiers: int64(all),
		}
		if key.Shift {
			e.Modifiers |= shift
		}
		w.must(browser.Call(w.Page, input.DispatchKeyEvent, e))
		e.Type, e.Text = input.DispatchKeyEventTypeKeyUp, ""
		w.must(browser.Call(w.Page, input.DispatchKeyEvent, e))
	}
}

// selectOp selects an operation and waits for its details.
func (w *window) selectOp(op int) {
	w.t.Helper()
	w.run(fmt.Sprintf(`select(%d, { reveal: true, details: true })`, op))
	w.await(fmt.Sprintf(`document.getElementById("details").dataset.op === "%d" && document.getElementById("details").dataset.ready === "yes"`, op))
}

// search types into the search field and waits for the result.
func (w *window) search(text string) {
	w.t.Helper()
	w.fill("#search-text", text)
	w.await(`search.text === document.getElementById("search-text").value && document.getElementById("search-count").dataset.busy === "no"`)
}

// fill replaces the text of a field by typing.
func (w *window) fill(selector, text string) {
	w.t.Helper()
	w.click(selector)
	w.run(fmt.Sprintf(`document.querySelector(%q).select()`, selector))
	w.press(kb.Backspace + text)
}

// text returns the text of an element.
func (w *window) text(selector string) string {
	w.t.Helper()
	return eval[string](w, fmt.Sprintf(`document.querySelector(%q).textContent`, selector))
}

// count returns the number of elements.
func (w *window) count(selector string) int {
	w.t.Helper()
	return eval[int](w, fmt.Sprintf(`document.querySelectorAll(%q).length`, selector))
}
