"use strict";
// The state of the page, and the functions that are called when it changes.

const state = {
  view: "tree",
  selected: -1, // the operation with the cursor
  from: 0, // the timeline's range, in µs
  to: 1,
  side: "findings",
  letters: remembered("osp-letters") !== "off", // single letters are keys
};

const listeners = new Map();

// on calls a function at each change of a topic: "rows", "select", "zoom",
// "marks" (search results), "view", "theme", "size".
function on(topic, call) {
  if (!listeners.has(topic)) listeners.set(topic, []);
  listeners.get(topic).push(call);
}

function emit(topic, value) {
  for (const call of listeners.get(topic) ?? []) call(value);
}

// select gives an operation the cursor. With reveal its ancestors are expanded and
// its row is scrolled into view. With details the pane is shown.
function select(op, { reveal = false, focus = false, details = false } = {}) {
  if (!(op >= 0 && op < T.n)) return;
  if (reveal) revealOp(op);
  state.selected = op;
  emit("select", { op, reveal, focus, details });
}

function setView(name) {
  if (state.view === name) return;
  state.view = name;
  emit("view", name);
}
