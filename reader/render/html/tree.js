"use strict";
// The operations that are rows of the tree. Those in collapsed subtrees, and those that
// the filters leave out, are none.

const tree = {
  rows: new Int32Array(0), // the operations that have a row, in order
  rowOf: new Int32Array(0), // operation -> row, or -1
  collapsed: null, // Uint8Array: 1 if the children have no rows
  unfiltered: null, // the collapsed operations without a filter
  kept: null, // null, or Uint8Array: 2 matches the filter, 1 has a match below
};

function initTree() {
  tree.collapsed = new Uint8Array(T.n);
  tree.rowOf = new Int32Array(T.n);
  updateRows();
}

// updateRows computes the rows in one pass.
function updateRows() {
  const { collapsed, kept, rowOf } = tree;
  const rows = new Int32Array(T.n);
  let count = 0;
  rowOf.fill(-1);
  for (let op = 0; op < T.n;) {
    if (kept && !kept[op]) {
      op = T.last[op];
      continue;
    }
    rowOf[op] = count;
    rows[count++] = op;
    op = collapsed[op] ? T.last[op] : op + 1;
  }
  tree.rows = rows.subarray(0, count);
  emit("rows");
}

// setFilter takes which operations match (or null for all). Ancestors of matches
// stay. The reader's collapsed operations come back when the filter goes.
function setFilter(matches) {
  if (!matches) {
    tree.kept = null;
    if (tree.unfiltered) tree.collapsed = tree.unfiltered;
    tree.unfiltered = null;
    return updateRows();
  }
  const kept = new Uint8Array(T.n);
  for (let op = T.n - 1; op >= 0; op--) {
    if (matches[op]) kept[op] = 2;
    if (kept[op] && T.parent[op] >= 0 && !kept[T.parent[op]]) kept[T.parent[op]] = 1;
  }
  tree.unfiltered ??= tree.collapsed;
  tree.collapsed = new Uint8Array(T.n);
  tree.kept = kept;
  updateRows();
}

// hasRowsBelow reports whether an operation can be expanded under the filter.
function hasRowsBelow(op) {
  if (T.children[op] === 0) return false;
  if (!tree.kept) return true;
  for (let child = op + 1; child < T.last[op]; child = T.last[child]) {
    if (tree.kept[child]) return true;
  }
  return false;
}

function setCollapsed(op, on) {
  if (Boolean(tree.collapsed[op]) === on || T.children[op] === 0) return;
  tree.collapsed[op] = on ? 1 : 0;
  keepCursorVisible();
  updateRows();
}

// collapseTo expands the operations above a depth and collapses all others.
function collapseTo(depth) {
  for (let op = 0; op < T.n; op++) tree.collapsed[op] = T.children[op] > 0 && T.depth[op] >= depth ? 1 : 0;
  keepCursorVisible();
  updateRows();
}

// collapseBelow collapses or expands an operation with all below it.
function collapseBelow(op, on) {
  for (let i = op; i < T.last[op]; i++) tree.collapsed[i] = on && T.children[i] > 0 ? 1 : 0;
  updateRows();
}

// keepCursorVisible moves the cursor out of a subtree that is collapsed.
function keepCursorVisible() {
  let at = state.selected;
  let top = at;
  while (at >= 0) {
    at = T.parent[at];
    if (at >= 0 && tree.collapsed[at]) top = at;
  }
  if (top !== state.selected) select(top);
}

// revealOp expands the ancestors of an operation. It ends the filter if the filter
// hides the operation.
function revealOp(op) {
  if (tree.kept && !tree.kept[op]) {
    clearFilters();
    announce("The filters were cleared, because they hid this operation.");
    $("filter-count").textContent = "The filters hid the operation and were cleared.";
  }
  let changed = false;
  for (let p = T.parent[op]; p >= 0; p = T.parent[p]) {
    changed ||= tree.collapsed[p] === 1;
    tree.collapsed[p] = 0;
  }
  if (changed) updateRows();
}
