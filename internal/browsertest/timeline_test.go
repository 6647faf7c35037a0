package browsertest

import (
	"math"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
)

// zoomed returns the range of the timeline, as shares of the trace.
func (w *window) zoomed() (from, to float64) {
	w.t.Helper()
	w.settle()
	r := eval[[2]float64](w, `[(state.from - T.from) / (T.to - T.from), (state.to - T.from) / (T.to - T.from)]`)
	return r[0], r[1]
}

// wantZoom compares the range of the timeline.
func (w *window) wantZoom(what string, from, to float64) {
	w.t.Helper()
	gotFrom, gotTo := w.zoomed()
	if math.Abs(gotFrom-from) > 0.02 || math.Abs(gotTo-to) > 0.02 {
		w.t.Errorf("%s: the timeline shows %.3f to %.3f of the trace, want %.3f to %.3f", what, gotFrom, gotTo, from, to)
	}
}

// timeline returns a point of the timeline at a share of its width, in the second row.
func (w *window) timeline(share float64) (x, y float64) {
	w.t.Helper()
	at := eval[[3]float64](w, `(() => { const r = document.getElementById("ruler").getBoundingClientRect(), s = document.querySelector('.row[data-op="1"] .cell-time').getBoundingClientRect(); return [r.left, timeline.width, s.top + s.height / 2] })()`)
	return at[0] + share*at[1], at[2]
}

func (w *window) mouse(kind input.DispatchMouseEventType, x, y float64, change func(*input.DispatchMouseEventParams)) {
	w.t.Helper()
	e := input.DispatchMouseEventParams{Type: kind, X: x, Y: y}
	if change != nil {
		change(&e)
	}
	w.must(browser.Call(w.Page, input.DispatchMouseEvent, e))
}

// drag drags the mouse over the timeline.
func (w *window) drag(from, to float64, modifiers int64) {
	w.t.Helper()
	left := func(e *input.DispatchMouseEventParams) {
		e.Button, e.Buttons, e.ClickCount, e.Modifiers = input.MouseButtonLeft, 1, 1, modifiers
	}
	x, y := w.timeline(from)
	w.mouse(input.DispatchMouseEventTypeMousePressed, x, y, left)
	for i := range 5 {
		x, _ = w.timeline(from + (to-from)*float64(i+1)/5)
		w.mouse(input.DispatchMouseEventTypeMouseMoved, x, y, left)
	}
	w.mouse(input.DispatchMouseEventTypeMouseReleased, x, y, left)
}

func (w *window) wheel(share, deltaX, deltaY float64, modifiers int64) {
	w.t.Helper()
	x, y := w.timeline(share)
	w.mouse(input.DispatchMouseEventTypeMouseWheel, x, y, func(e *input.DispatchMouseEventParams) {
		const little = 1e-6 // because the protocol does not accept an event without both deltas
		e.DeltaX, e.DeltaY, e.Modifiers = deltaX+little, deltaY+little, modifiers
	})
}

const (
	ctrl  = 2
	shift = 8
)

func TestZoomByMouse(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.wantZoom("at first", 0, 1)
	w.drag(0.25, 0.75, 0)
	w.wantZoom("a drag selects", 0.25, 0.75)
	if row := w.rows()[0]; row.BarLeft > 0 {
		t.Errorf("the first operation has a bar at %.1f %% of the part", row.BarLeft)
	}
	w.drag(0.5, 0.7, 0)
	w.wantZoom("a drag moves", 0.15, 0.65)
	w.drag(0.2, 0.6, shift)
	w.wantZoom("a drag with Shift selects", 0.25, 0.45)
	w.wheel(0.5, 0, 100, shift)
	if from, to := w.zoomed(); from <= 0.25 || math.Abs(to-from-0.2) > 0.02 {
		t.Errorf("the wheel with Shift moves to %.3f to %.3f", from, to)
	}
	w.wheel(0.5, -200, 0, 0)
	if from, _ := w.zoomed(); from >= 0.25+0.2 {
		t.Errorf("a wheel to the side moves to %.3f", from)
	}
	w.click("#zoom-all")
	w.wantZoom("Whole trace", 0, 1)
	w.wheel(0.5, 0, -100, ctrl)
	if from, to := w.zoomed(); math.Abs(from+to-1) > 0.02 || to-from > 0.9 {
		t.Errorf("the wheel with Ctrl zooms to %.3f to %.3f", from, to)
	}
	x, y := w.box("#ruler")
	w.must(w.Do(chromedp.MouseClickXY(x, y)))
	w.mouse(input.DispatchMouseEventTypeMousePressed, x, y, func(e *input.DispatchMouseEventParams) { e.Button, e.ClickCount = input.MouseButtonLeft, 2 })
	w.mouse(input.DispatchMouseEventTypeMouseReleased, x, y, func(e *input.DispatchMouseEventParams) { e.Button, e.ClickCount = input.MouseButtonLeft, 2 })
	w.wantZoom("a double click on the ruler", 0, 1)
	w.click("#zoom-in")
	w.wantZoom("+", 0.25, 0.75)
	w.click("#zoom-out")
	w.wantZoom("-", 0, 1)
}

func TestZoomByKeyboard(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.press("+")
	w.wantZoom("+", 0.25, 0.75)
	w.press("]")
	w.wantZoom("]", 0.375, 0.875)
	w.press("[[")
	w.wantZoom("[[", 0.125, 0.625)
	w.press("-")
	w.press("=")
	w.wantZoom("=", 0, 1)
	w.selectOp(5)
	w.press("z")
	from, to := w.zoomed()
	want := eval[[2]float64](w, `[(T.begin[5] - T.from) / (T.to - T.from), (T.end[5] - T.from) / (T.to - T.from)]`)
	if from > want[0] || to < want[1] || to-from > 1.5*(want[1]-want[0]) {
		t.Errorf("z zooms to %.3f to %.3f, want about %.3f to %.3f", from, to, want[0], want[1])
	}
}

func TestZoomByTouch(t *testing.T) {
	w := show(t, volume(t), browser.View{Width: 400, Height: 800, Touch: true})
	touch := func(kind input.DispatchTouchEventType, shares ...float64) {
		var points []*input.TouchPoint
		for i, s := range shares {
			x, y := w.timeline(s)
			points = append(points, &input.TouchPoint{X: x, Y: y, ID: new(float64(i + 1))})
		}
		if points == nil {
			points = []*input.TouchPoint{}
		}
		w.must(browser.Call(w.Page, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points}))
	}
	touch(input.DispatchTouchEventTypeTouchStart, 0.4, 0.6)
	for _, spread := range []float64{0.12, 0.15, 0.2} {
		touch(input.DispatchTouchEventTypeTouchMove, 0.5-spread, 0.5+spread)
	}
	touch(input.DispatchTouchEventTypeTouchEnd)
	w.wantZoom("two fingers", 0.25, 0.75)
	touch(input.DispatchTouchEventTypeTouchStart, 0.7)
	for _, x := range []float64{0.6, 0.5, 0.4, 0.3} {
		touch(input.DispatchTouchEventTypeTouchMove, x)
	}
	touch(input.DispatchTouchEventTypeTouchEnd)
	if from, to := w.zoomed(); from <= 0.3 || math.Abs(to-from-0.5) > 0.05 {
		t.Errorf("one finger moves to %.3f to %.3f", from, to)
	}
	before := w.rowCount()
	if before != 49 {
		t.Errorf("%d rows, want 49", before)
	}
}
