"use strict";
// The statistics by name.

function initStats() {
  on("view", (view) => view === "stats" && drawStats());
}

function drawStats() {
  if ($("stats-body").firstChild) return;
  const rows = groupOps((op) => T.name[op]);
  const self = rows.reduce((sum, g) => sum + g.self, 0);
  $("stats-note").textContent =
    plural(T.n, "operation") + " with " + plural(rows.length, "name") + ". Nested operations count in each total.";
  const time = (name, key, title) => ({ name, numeric: true, title, value: (g) => g[key], cell: (g) => timeCell(g[key]) });
  const columns = [
    {
      name: "Name",
      value: (g) => show(T.name[g.first]),
      cell: (g) =>
        el(
          "button",
          {
            type: "button",
            class: "to-op",
            title: "Show only this name in the tree",
            onclick: () => {
              setFilterName(T.name[g.first]);
              setView("tree");
            },
          },
          el("bdi", { text: show(T.name[g.first]) || "(no name)" }),
        ),
    },
    { name: "Count", numeric: true, value: (g) => g.count, cell: (g) => count(g.count) },
    time("Total", "total", "the sum of the durations"),
    {
      name: "Self",
      numeric: true,
      title: "the sum of the self times",
      value: (g) => g.self,
      cell: (g) => shareBar(g.self, self),
    },
    time("Critical", "critical", "time on the critical path"),
    time("Mean", "mean"),
    time("Median", "median"),
    time("95 %", "p95", "95 of 100 are not longer"),
    {
      name: "Longest",
      numeric: true,
      value: (g) => g.max,
      cell: (g) =>
        Number.isNaN(g.max)
          ? "–"
          : el(
              "button",
              {
                type: "button",
                class: "to-op",
                title: "Go to the longest",
                onclick: () => goTo(g.longest),
              },
              duration(g.max),
            ),
    },
    { name: "Failed", numeric: true, value: (g) => g.failed, cell: (g) => countCell(g.failed, "failed", "failed") },
    {
      name: "Incomplete",
      numeric: true,
      title: "without a known duration",
      value: (g) => g.incomplete,
      cell: (g) => count(g.incomplete),
    },
  ];
  $("stats-body").replaceChildren(
    sortTable({ id: "stats-table", caption: "Statistics by name", columns, rows, sort: { column: 2, down: true } }),
  );
}

// goTo shows an operation in the tree.
function goTo(op) {
  setView("tree");
  select(op, { reveal: true, focus: true, details: true });
}
