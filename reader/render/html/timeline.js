"use strict";
// The timeline's scale: which part of the trace is shown, and its ruler.

const timeline = {
  width: 0, // of the column, in px
  left: 0, // of the column, in px from the left of the tree
  shortest: 0.05, // the shortest range, in µs
};

function initRange() {
  state.from = T.from;
  state.to = T.to;
  on("zoom", drawRuler);
}

// setRange shows the times between from and to.
function setRange(from, to) {
  const range = clampRange(from, to, T.from, T.to);
  if (range.from === state.from && range.to === state.to) return;
  Object.assign(state, range);
  emit("zoom");
}

// clampRange keeps a range within the limits, and its length if it can.
function clampRange(from, to, least, most) {
  let length = Math.max(to - from, timeline.shortest);
  length = Math.min(length, most - least);
  const middle = (from + to) / 2;
  from = Math.min(Math.max(middle - length / 2, least), most - length);
  return { from, to: from + length };
}

function isZoomed() {
  return state.from > T.from || state.to < T.to;
}

// zoomBy changes the length of the range by a factor; the time at a share of the
// width stays where it is.
function zoomBy(factor, share = 0.5) {
  const length = state.to - state.from;
  const fixed = state.from + share * length;
  const next = Math.min(Math.max(length * factor, timeline.shortest), T.to - T.from);
  setRange(fixed - share * next, fixed + (1 - share) * next);
}

function panBy(share) {
  const move = share * (state.to - state.from);
  setRange(state.from + move, state.to + move);
}

// zoomToOp shows an operation with a margin.
function zoomToOp(op) {
  if (T.flags[op] & flag.noTime) return;
  const { from, to } = barTimes(op);
  const margin = Math.max((to - from) * 0.1, timeline.shortest);
  setRange(from - margin, to + margin);
  announce("The timeline shows " + duration(state.to - state.from) + ".");
}

function zoomAll() {
  setRange(T.from, T.to);
}

function xOf(time) {
  return ((time - state.from) / (state.to - state.from)) * timeline.width;
}

// barTimes returns the times of an operation's bar. A half has one time: without a
// stop the bar reaches to the end of the trace, without a start it begins with its
// parent.
function barTimes(op) {
  const f = T.flags[op];
  let from = Math.min(T.begin[op], T.end[op]);
  let to = Math.max(T.begin[op], T.end[op]);
  if (f & flag.noStop) to = Math.max(to, T.to);
  if (f & flag.noStart) {
    const p = T.parent[op];
    from = Math.min(from, p >= 0 && !(T.flags[p] & half) ? T.begin[p] : T.from);
  }
  return { from, to };
}

// tickStep returns a round step (1, 2 or 5 times a power of ten) of which about
// this many fit in a length.
function tickStep(length, many) {
  const raw = length / Math.max(many, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return (lead > 5 ? 10 : lead > 2 ? 5 : lead > 1 ? 2 : 1) * power;
}

// tickText writes a tick's time in a unit that suits the step.
function tickText(time, step) {
  const [unit, size] =
    Math.max(Math.abs(time), step) >= 1e6 && step >= 1e3
      ? ["s", 1e6]
      : Math.max(Math.abs(time), step) >= 1e3 && step >= 1
        ? ["ms", 1e3]
        : ["µs", 1];
  const places = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9));
  return (time / size).toFixed(Math.min(places, 6)).replace("-", minus) + narrow + unit;
}

function drawRuler() {
  const ruler = $("ruler");
  const step = tickStep(state.to - state.from, timeline.width / 90);
  const parts = [];
  for (let k = Math.ceil(state.from / step - 1e-9); k * step <= state.to && parts.length < 40; k++) {
    const x = xOf(k * step);
    if (x > timeline.width - 12) break;
    const tick = el("span", { class: "tick", text: tickText(k * step, step) });
    tick.style.left = x + "px";
    parts.push(tick);
  }
  ruler.replaceChildren(...parts);
  const scroll = $("scroll");
  scroll.style.setProperty("--tick", (step / (state.to - state.from)) * timeline.width + "px");
  scroll.style.setProperty("--tick-from", xOf(Math.ceil(state.from / step - 1e-9) * step) + "px");
  $("range-text").textContent = isZoomed()
    ? "Shown: " + duration(state.from) + " to " + duration(state.to) + " (" + duration(state.to - state.from) + ")"
    : "";
  $("zoom-all").disabled = !isZoomed();
  $("zoom-out").disabled = !isZoomed();
}
