"use strict";
// A table that sorts by its columns.

// sortTable makes a table. A column has a name, a value (to sort by), a cell (what
// is shown: text or node) and may be numeric or the first column.
function sortTable({ id, caption, columns, rows, sort, more }) {
  const table = el("table", { id }, el("caption", { class: "out-of-sight", text: caption }));
  const head = el("tr");
  const body = el("tbody");
  const order = { ...sort };
  // The lines of a row are made once and only change their places.
  const lines = rows.map((row) => {
    const tr = el("tr", {}, ...columns.map((column, i) => tableCell(column, row, i)));
    return more ? [tr, ...more(row, tr)] : [tr];
  });
  const draw = () => {
    const { value } = columns[order.column];
    const sorted = rows.map((row, i) => ({ i, key: value(row) }));
    const way = order.down ? -1 : 1;
    sorted.sort((a, b) => way * compareKeys(a.key, b.key) || a.i - b.i);
    for (const { i } of sorted) body.append(...lines[i]);
    columns.forEach((column, i) =>
      head.children[i].setAttribute("aria-sort", i !== order.column ? "none" : order.down ? "descending" : "ascending"),
    );
  };
  columns.forEach((column, i) => {
    const button = el(
      "button",
      {
        type: "button",
        title: column.title,
        onclick: () => {
          order.down = order.column === i ? !order.down : Boolean(column.numeric);
          order.column = i;
          draw();
          announce("Sorted by " + column.name + (order.down ? ", largest first." : ", smallest first."));
        },
      },
      column.name,
    );
    head.append(el("th", { scope: "col", class: column.numeric ? "number" : undefined }, button));
  });
  table.append(el("thead", {}, head), body);
  draw();
  return el("div", { class: "table-scroll" }, table);
}

function tableCell(column, row, index) {
  const content = column.cell(row);
  const cell = el(index === 0 ? "th" : "td", {
    class: column.numeric ? "number" : undefined,
    scope: index === 0 ? "row" : undefined,
  });
  cell.append(content);
  return cell;
}

function compareKeys(a, b) {
  if (typeof a === "number" && typeof b === "number") {
    if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
    if (Number.isNaN(b)) return 1;
    return a - b;
  }
  return String(a).localeCompare(String(b));
}

// shareBar shows a part of a whole as a bar with its number.
function shareBar(part, whole, colour) {
  const bar = el("span", { class: "share-fill" + (colour === undefined ? "" : " c" + (colour % 8)) });
  bar.style.width = (whole > 0 ? Math.min(100, (100 * Math.max(part, 0)) / whole) : 0) + "%";
  return el(
    "span",
    { class: "share" },
    el("span", { class: "share-bar", "aria-hidden": "true" }, bar),
    el("span", { class: "share-text", text: duration(part) }),
    el("span", { class: "share-percent", text: percent(part, whole) }),
  );
}
