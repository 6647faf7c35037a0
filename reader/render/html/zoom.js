"use strict";
// Zoom and pan by mouse, wheel and fingers. The same gestures work on the
// timeline, on its ruler and on the flame graph.

const zoomGesture = { moved: false }; // the last press became a drag, so it is no click

// attachZoom makes gestures on an area. The target says where its time axis is
// (axis: left and width in client px), and has range, full, set and contains.
function attachZoom(area, target) {
  area.addEventListener("wheel", (event) => wheelZoom(event, target), { passive: false });
  area.addEventListener("pointerdown", (event) => startDrag(event, area, target));
  attachPinch(area, target);
}

function wheelZoom(event, target) {
  if (!target.contains(event.clientX)) return;
  const { left, width } = target.axis();
  const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    const factor = Math.exp(Math.max(-1, Math.min(1, event.deltaY * unit * 0.003)));
    zoomTarget(target, factor, (event.clientX - left) / width);
    return;
  }
  const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
  if (!sideways || (!event.shiftKey && Math.abs(event.deltaX) < Math.abs(event.deltaY))) return;
  event.preventDefault();
  moveTarget(target, (sideways * unit) / width);
}

function zoomTarget(target, factor, share) {
  const { from, to } = target.range();
  const fixed = from + share * (to - from);
  const length = Math.min((to - from) * factor, target.full());
  target.set(fixed - share * length, fixed + (1 - share) * length);
}

function moveTarget(target, share) {
  const { from, to } = target.range();
  const move = share * (to - from);
  target.set(from + move, to + move);
}

// startDrag begins a drag. It moves a zoomed timeline, and selects a part of one
// that is not zoomed. On the ruler, and with Shift, it always selects.
function startDrag(event, area, target) {
  zoomGesture.moved = false;
  if (event.button !== 0 || !target.contains(event.clientX)) return;
  const start = { x: event.clientX, y: event.clientY, ...target.range() };
  const selects = event.shiftKey || target.alwaysSelects || start.to - start.from >= target.full();
  if (selects && event.pointerType === "touch") return; // a finger scrolls
  const { left, width } = target.axis();
  const timeAt = (x) => start.from + (Math.min(Math.max(x - left, 0), width) / width) * (start.to - start.from);
  const move = (e) => {
    if (pinching) return stop();
    if (!zoomGesture.moved && Math.abs(e.clientX - start.x) < 4) return;
    if (!zoomGesture.moved) area.setPointerCapture(e.pointerId);
    zoomGesture.moved = true;
    if (selects) showBrush(start.x, e.clientX, left, width, duration(Math.abs(timeAt(e.clientX) - timeAt(start.x))));
    else {
      const shift = ((start.x - e.clientX) / width) * (start.to - start.from);
      target.set(start.from + shift, start.to + shift);
    }
  };
  const stop = () => {
    area.removeEventListener("pointermove", move);
    area.removeEventListener("pointerup", up);
    area.removeEventListener("pointercancel", stop);
    $("brush").hidden = true;
  };
  const up = (e) => {
    stop();
    if (!zoomGesture.moved || !selects) return;
    const times = [timeAt(start.x), timeAt(e.clientX)].sort((a, b) => a - b);
    target.set(times[0], times[1]);
  };
  area.addEventListener("pointermove", move);
  area.addEventListener("pointerup", up);
  area.addEventListener("pointercancel", stop);
}

function showBrush(a, b, left, width, text) {
  const brush = $("brush");
  const area = $("views-area").getBoundingClientRect();
  const from = Math.max(Math.min(a, b), left);
  const to = Math.min(Math.max(a, b), left + width);
  brush.style.left = from - area.left + "px";
  brush.style.width = to - from + "px";
  brush.dataset.text = text;
  brush.hidden = false;
}

let pinching = false;

// attachPinch zooms with two fingers and moves with them.
function attachPinch(area, target) {
  let start = null;
  const measureTouches = (touches) => {
    const [a, b] = touches;
    return {
      middle: (a.clientX + b.clientX) / 2,
      spread: Math.max(Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), 20),
    };
  };
  area.addEventListener(
    "touchstart",
    (event) => {
      if (event.touches.length !== 2) return;
      event.preventDefault();
      pinching = true;
      start = { ...measureTouches(event.touches), ...target.range() };
    },
    { passive: false },
  );
  area.addEventListener(
    "touchmove",
    (event) => {
      if (!start || event.touches.length !== 2) return;
      event.preventDefault();
      const { left, width } = target.axis();
      const now = measureTouches(event.touches);
      const length = Math.min((start.to - start.from) * (start.spread / now.spread), target.full());
      const fixed = start.from + ((start.middle - left) / width) * (start.to - start.from);
      const from = fixed - ((now.middle - left) / width) * length;
      target.set(from, from + length);
    },
    { passive: false },
  );
  for (const end of ["touchend", "touchcancel"]) {
    area.addEventListener(end, (event) => {
      if (event.touches.length < 2) start = null;
      if (event.touches.length === 0) pinching = false;
    });
  }
}

// initZoom attaches the gestures to the tree's timeline and its ruler.
function initZoom() {
  const target = {
    axis: () => ({ left: $("ruler").getBoundingClientRect().left, width: timeline.width }),
    range: () => ({ from: state.from, to: state.to }),
    full: () => T.to - T.from,
    set: setRange,
    contains: (x) => x >= $("ruler").getBoundingClientRect().left,
  };
  attachZoom($("scroll"), target);
  attachZoom($("ruler"), { ...target, alwaysSelects: true });
  $("ruler").addEventListener("dblclick", zoomAll);
  $("zoom-in").addEventListener("click", () => zoomBy(0.5));
  $("zoom-out").addEventListener("click", () => zoomBy(2));
  $("zoom-all").addEventListener("click", zoomAll);
  initCrosshair();
  initSplitter();
}

// initCrosshair shows the time under the mouse.
function initCrosshair() {
  const cross = $("crosshair");
  const view = $("view-tree");
  view.addEventListener("pointermove", (event) => {
    const { left } = $("ruler").getBoundingClientRect();
    const x = event.clientX - left;
    const shown = event.pointerType === "mouse" && x >= 0 && x <= timeline.width && event.target.closest("#tree") !== null;
    cross.hidden = !shown;
    if (!shown) return;
    cross.style.transform = "translateX(" + (event.clientX - view.getBoundingClientRect().left) + "px)";
    cross.firstChild.textContent = duration(state.from + (x / timeline.width) * (state.to - state.from));
    cross.classList.toggle("flip", x > timeline.width - 90);
  });
  view.addEventListener("pointerleave", () => (cross.hidden = true));
}

// initSplitter lets the reader set the width of the operations' column.
function initSplitter() {
  makeSplitter($("splitter"), {
    get: () => $("tree-head").querySelector(".cell-label").offsetWidth,
    least: 140,
    most: () => $("tree").clientWidth - 240,
    set: (width) => {
      $("view-tree").style.setProperty("--label", width + "px");
      measure();
    },
  });
}

// makeSplitter makes an element set a width by mouse, fingers and arrow keys.
// A negative direction means that a move to the left makes it wider.
function makeSplitter(node, { get, set, least, most, direction = 1 }) {
  const tell = () => {
    node.setAttribute("aria-valuemin", least);
    node.setAttribute("aria-valuemax", Math.round(Math.max(most(), get(), least)));
    node.setAttribute("aria-valuenow", Math.round(Math.max(get(), least)));
  };
  const change = (width) => {
    set(Math.round(Math.max(least, Math.min(width, most()))));
    tell();
  };
  tell();
  node.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    node.setPointerCapture(event.pointerId);
    const start = { x: event.clientX, width: get() };
    const move = (e) => change(start.width + direction * (e.clientX - start.x));
    node.addEventListener("pointermove", move);
    node.addEventListener("lostpointercapture", () => node.removeEventListener("pointermove", move), { once: true });
  });
  node.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -20, ArrowRight: 20 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    change(get() + direction * step);
  });
}
