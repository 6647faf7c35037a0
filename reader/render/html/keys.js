"use strict";
// The keys. Keys with Ctrl, Alt or Meta are the browser's.

function initKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    const target = event.target;
    if (event.key === "Escape") return escapeKey(event);
    if (target.matches?.("input:not([type=checkbox]), select, textarea")) return;
    const inTree = state.view === "tree" && (target === document.body || target.closest?.("#scroll"));
    const done = (inTree && treeKey(event)) || (state.letters || event.key.length > 1 ? pageKey(event) : false);
    if (done) event.preventDefault();
  });
}

function escapeKey(event) {
  if (!$("app").classList.contains("no-side") && $("side").contains(event.target)) {
    if (document.documentElement.clientWidth < 1000) closeSide();
    focusView();
  } else if (isZoomed() && state.view === "tree") zoomAll();
}

// treeKey moves in the tree. It returns whether the key was one.
function treeKey(event) {
  if (tree.rows.length === 0) return false;
  // The tab key may have come to a row that has not the cursor.
  const op = document.activeElement?.closest(".row")?.op ?? state.selected;
  const index = op < 0 ? -1 : tree.rowOf[op];
  const page = Math.max(1, Math.floor($("scroll").clientHeight / rowsView.height) - 1);
  const go = (to) => select(tree.rows[Math.max(0, Math.min(to, tree.rows.length - 1))], { focus: true });
  switch (event.key) {
    case "ArrowDown":
      go(index + 1);
      return true;
    case "ArrowUp":
      go(index - 1);
      return true;
    case "PageDown":
      go(index + page);
      return true;
    case "PageUp":
      go(index - page);
      return true;
    case "Home":
      go(0);
      return true;
    case "End":
      go(tree.rows.length - 1);
      return true;
  }
  if (op < 0) return false;
  switch (event.key) {
    case "ArrowRight":
      arrowRight(op, event.shiftKey);
      return true;
    case "ArrowLeft":
      arrowLeft(op, event.shiftKey);
      return true;
    case "Enter":
      select(op, { details: true });
      $("details").focus();
      return true;
    case " ":
      setCollapsed(op, !tree.collapsed[op]);
      return true;
  }
  return false;
}

function arrowRight(op, all) {
  if (all) collapseBelow(op, false);
  else if (tree.collapsed[op]) setCollapsed(op, false);
  else if (hasRowsBelow(op)) select(tree.rows[tree.rowOf[op] + 1], { focus: true });
}

function arrowLeft(op, all) {
  if (all) collapseBelow(op, true);
  else if (hasRowsBelow(op) && !tree.collapsed[op]) setCollapsed(op, true);
  else if (T.parent[op] >= 0) select(T.parent[op], { focus: true });
}

// pageKey does what holds in all views. It returns whether the key was one.
function pageKey(event) {
  const { key } = event;
  if (/^[0-9]$/.test(key) && state.view === "tree") return (collapseTo(key === "0" ? 0 : Number(key) - 1), true);
  const action = {
    "/": () => ($("search-text").focus(), $("search-text").select()),
    "?": openHelp,
    n: () => nextFound(1),
    N: () => nextFound(-1),
    F3: () => nextFound(event.shiftKey ? -1 : 1),
    "*": () => collapseTo(Infinity),
    "+": () => zoomBy(0.5),
    "-": () => zoomBy(2),
    "=": zoomAll,
    "[": () => panBy(-0.25),
    "]": () => panBy(0.25),
    a: () => panBy(-0.25),
    d: () => panBy(0.25),
    z: () => state.selected >= 0 && zoomToOp(state.selected),
    c: () => nextMarked(flag.critical, "on the critical path"),
    f: () => nextMarked(flag.failed, "failed"),
    r: () => nextMarked(flag.repeated, "repeated"),
    t: () => setView("tree"),
    g: () => setView("flame"),
    s: () => setView("services"),
    i: toggleSide,
  }[key];
  if (!action) return false;
  action();
  return true;
}

// nextMarked goes to the next operation with a mark, and from the last to the first.
function nextMarked(bit, name) {
  // Operations that the filters show come first.
  for (const all of tree.kept ? [false, true] : [true]) {
    for (let k = 1; k <= T.n; k++) {
      const op = (Math.max(state.selected, -1) + k + T.n) % T.n;
      if (T.flags[op] & bit && (all || tree.kept[op])) return select(op, { reveal: true, focus: true });
    }
  }
  announce("No operation is " + name + ".");
}
