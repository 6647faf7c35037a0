"use strict";
// The rows that are in view. All rows have one height. A pool of elements is filled
// with the operations in view, so that the page has few elements at any size.

const rowsView = {
  height: 26, // of a row, in px
  pool: [],
  stamp: 1, // changes when all rows have to be filled anew
  mostHeight: 12e6, // browsers have no higher elements; above it the scroll bar is scaled
  mostIndent: 40,
  hadFocus: false, // the cursor's row was scrolled away while it had the focus
};

function initRows() {
  const scroll = $("scroll");
  scroll.addEventListener("scroll", perFrame(renderRows), { passive: true });
  scroll.addEventListener("click", clickRow);
  scroll.addEventListener("dblclick", doubleClickRow);
  $("tree").addEventListener("focusin", (event) => {
    if (event.target.classList.contains("row")) rowsView.hadFocus = true;
  });
  $("tree").addEventListener("focusout", (event) => {
    if (event.relatedTarget && !event.relatedTarget.closest("#scroll")) rowsView.hadFocus = false;
  });
  scroll.tabIndex = -1;
  // The text of a tip is made when the mouse comes.
  scroll.addEventListener("mouseover", (event) => {
    const row = event.target.closest(".row");
    if (row) row.cells.label.title = rowTitle(row.op);
  });
  on("rows", changeRows);
  on("select", showSelected);
  on("marks", refreshRows);
  on("zoom", perFrame(refreshRows));
  on("size", () => {
    measure();
    keepInView();
  });
  on("view", (view) => view === "tree" && measure());
  changeRows();
}

// measure takes the sizes of the columns after the page got another size.
function measure() {
  if (state.view !== "tree") return;
  const scroll = $("scroll");
  const style = getComputedStyle(scroll);
  rowsView.height = parseFloat(style.getPropertyValue("--row")) || 26;
  $("tree-head").style.paddingRight = scroll.offsetWidth - scroll.clientWidth + "px";
  const ruler = $("ruler").getBoundingClientRect();
  timeline.width = Math.max(ruler.width - 12, 40);
  timeline.left = ruler.left - $("tree").getBoundingClientRect().left;
  // Rows of two lines (small.css) have a label as wide as the row.
  const twoLines = rowsView.height > 30;
  const label = twoLines ? scroll.clientWidth - 84 : $("tree-head").querySelector(".cell-label").offsetWidth;
  const step = Math.max(5, Math.min(16, (label * 0.5) / Math.max(T.deepest, 1)));
  rowsView.mostIndent = Math.floor((label * 0.5) / step);
  scroll.style.setProperty("--indent", step + "px");
  drawRuler();
  changeRows();
}

// keepInView keeps the cursor's row in view when the view became smaller, if it was
// in view.
function keepInView() {
  const height = $("scroll").clientHeight;
  const before = rowsView.viewHeight;
  rowsView.viewHeight = height;
  const index = state.selected < 0 ? -1 : tree.rowOf[state.selected];
  if (index < 0 || !(height < before)) return;
  const y = index * rowsView.height - scrolled();
  if (y >= 0 && y < before) scrollToRow(index, false);
}

function changeRows() {
  const total = tree.rows.length;
  $("rows").style.height = Math.min(total * rowsView.height, rowsView.mostHeight) + "px";
  $("tree").setAttribute("aria-rowcount", total + 1);
  const empty = $("tree-empty");
  empty.hidden = total > 0;
  empty.textContent = T.n === 0 ? "The trace has no operations." : "No operation matches the filters.";
  refreshRows();
}

function refreshRows() {
  rowsView.stamp++;
  renderRows();
}

// scrolled returns how far the rows are scrolled, in px of unscaled rows.
function scrolled() {
  const { scrollTop, clientHeight } = $("scroll");
  const full = tree.rows.length * rowsView.height;
  if (full <= rowsView.mostHeight) return scrollTop;
  return (scrollTop / (rowsView.mostHeight - clientHeight)) * (full - clientHeight);
}

function scrollToPx(px) {
  const scroll = $("scroll");
  const full = tree.rows.length * rowsView.height;
  scroll.scrollTop =
    full <= rowsView.mostHeight ? px : (px / (full - scroll.clientHeight)) * (rowsView.mostHeight - scroll.clientHeight);
}

function renderRows() {
  const scroll = $("scroll");
  const { height, pool } = rowsView;
  // All sizes are read before the first change, so that the browser computes the
  // layout once.
  const top = scrolled();
  const shift = scroll.scrollTop - top;
  const start = Math.max(0, Math.floor(top / height) - 3);
  const end = Math.min(tree.rows.length, Math.ceil((top + scroll.clientHeight) / height) + 3);
  if (end - start > pool.length) {
    while (pool.length < end - start) pool.push(makeRow());
    $("rows").append(...pool);
    rowsView.stamp++;
  }
  const active = document.activeElement;
  for (let index = start; index < end; index++) placeRow(pool[index % pool.length], index, shift, active);
  for (const row of pool) {
    const used = row.index >= start && row.index < end;
    if (!used && row === active) scroll.focus({ preventScroll: true });
    if (!used) row.hidden = true;
  }
  setTabStop(start, end, top);
  orderRows();
}

function placeRow(row, index, shift, active) {
  if (row.index !== index || row.stamp !== rowsView.stamp) {
    if (row === active && row.op !== tree.rows[index]) $("scroll").focus({ preventScroll: true });
    fillRow(row, index);
    row.index = index;
    row.stamp = rowsView.stamp;
  }
  const y = Math.round(index * rowsView.height + shift);
  if (row.y !== y) {
    row.y = y;
    row.style.transform = "translateY(" + y + "px)";
  }
  row.hidden = false;
}

// setTabStop makes one row the stop of the tab key: the cursor's, or the first in
// view while the cursor's is not. It gives the focus back to the cursor's row when
// that is in view again.
function setTabStop(start, end, top) {
  const index = state.selected < 0 ? -1 : tree.rowOf[state.selected];
  const inView = index >= start && index < end;
  const stop = inView ? index : Math.min(Math.ceil(top / rowsView.height), end - 1);
  for (const row of rowsView.pool) {
    const tab = row.index === stop && !row.hidden ? 0 : -1;
    if (row.tabIndex !== tab) row.tabIndex = tab;
  }
  const scroll = $("scroll");
  if (inView && rowsView.hadFocus && document.activeElement === scroll) rowElement(index).focus({ preventScroll: true });
}

// orderRows puts the elements into the order of the rows, for screen readers, when
// scrolling has ended. The element with the focus is not moved.
const orderRows = debounce(200, () => {
  const sorted = rowsView.pool.filter((row) => !row.hidden).sort((a, b) => a.index - b.index);
  const box = $("rows");
  const fixed = sorted.indexOf(document.activeElement);
  sorted.forEach((row, i) => {
    if (i < fixed) box.insertBefore(row, sorted[fixed]);
    if (i > fixed) box.append(row);
  });
});

function rowElement(index) {
  return rowsView.pool[index % rowsView.pool.length];
}

function showSelected({ op, reveal, focus }) {
  const index = tree.rowOf[op];
  if (state.view === "tree" && index >= 0 && (reveal || focus)) scrollToRow(index, reveal);
  refreshRows();
  if (focus && state.view === "tree" && index >= 0) rowElement(index).focus({ preventScroll: true });
}

// scrollToRow brings a row into view, in the middle if it was far away.
function scrollToRow(index, far) {
  const { height } = rowsView;
  const view = $("scroll").clientHeight;
  const top = scrolled();
  const y = index * height;
  const margin = far ? height : 0;
  if (y >= top + margin && y + height <= top + view - margin) return;
  if (far && (y < top - view || y > top + 2 * view)) scrollToPx(y - view / 2);
  else scrollToPx(y < top + margin ? y - margin : y + height - view + margin);
  renderRows();
}

function clickRow(event) {
  const row = event.target.closest(".row");
  if (!row || zoomGesture.moved) return;
  if (event.target.closest(".twisty") && row.hasAttribute("aria-expanded")) {
    const on = !tree.collapsed[row.op];
    if (event.altKey) collapseBelow(row.op, on);
    else setCollapsed(row.op, on);
    return;
  }
  select(row.op, { focus: true, details: true });
}

function doubleClickRow(event) {
  const row = event.target.closest(".row");
  if (!row || event.target.closest(".twisty")) return;
  if (event.target.closest(".cell-time")) {
    if (event.target.closest(".bar")) zoomToOp(row.op);
    else zoomAll();
  } else {
    setCollapsed(row.op, !tree.collapsed[row.op]);
  }
}
