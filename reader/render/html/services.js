"use strict";
// The view by service: who took the time, and when.

const groupColumns = {
  service: (op) => T.service[op],
  host: (op) => T.host[op],
  project: (op) => T.project[op],
  kind: (op) => T.kind[op],
};

function initServices() {
  on("view", (view) => view === "services" && drawServices());
  $("services-by").addEventListener("change", drawServices);
  on("theme", drawActivity);
}

function drawServices() {
  const by = $("services-by").value;
  const rows = groupOps(groupColumns[by]);
  const self = rows.reduce((sum, g) => sum + g.self, 0);
  const critical = rows.reduce((sum, g) => sum + g.critical, 0);
  const name = (g) => {
    const text = groupColumns[by](g.first);
    return text ? show(text) : "no " + by;
  };
  $("services-note").textContent =
    plural(rows.length, by) +
    ". Self time is the time in which an operation had no child that ran; the sum is " +
    duration(self) +
    ".";
  const columns = [
    { name: by[0].toUpperCase() + by.slice(1), value: name, cell: (g) => groupName(g, by, name(g)) },
    {
      name: "Self time",
      numeric: true,
      value: (g) => g.self,
      cell: (g) => shareBar(g.self, self, by === "service" ? g.colour : undefined),
    },
    {
      name: "Critical path",
      numeric: true,
      title: "time on the critical path",
      value: (g) => g.critical,
      cell: (g) => shareBar(g.critical, critical),
    },
    { name: "Operations", numeric: true, value: (g) => g.count, cell: (g) => count(g.count) },
    { name: "Failed", numeric: true, value: (g) => g.failed, cell: (g) => countCell(g.failed, "failed", "failed") },
    { name: "Active", value: (g) => T.begin[g.first], title: "when it had operations", cell: (g) => activity(g, by) },
  ];
  $("services-body").replaceChildren(
    sortTable({
      id: "services-table",
      caption: "Time by " + by,
      columns,
      rows,
      sort: { column: 1, down: true },
      more: (g, tr) => groupParts(g, tr, columns.length),
    }),
  );
  drawActivity();
}

function drawActivity() {
  for (const canvas of $("services-body").querySelectorAll("canvas")) canvas.draw();
}

function groupName(g, by, text) {
  const open = el(
    "button",
    { type: "button", class: "twisty-button", "aria-expanded": "false", title: "Show its operations" },
    icon("open"),
  );
  const chip = by === "service" ? el("span", { class: "chip c" + (g.colour % 8), "aria-hidden": "true" }) : null;
  const show =
    by !== "service"
      ? null
      : el(
          "button",
          {
            type: "button",
            class: "quiet",
            title: "Show only this service in the tree",
            "aria-label": "Show only " + text + " in the tree",
            onclick: () => {
              setFilterService(g.first);
              setView("tree");
            },
          },
          icon("filter"),
        );
  return el("span", { class: "group-name" }, open, chip, el("bdi", { text }), show);
}

// groupParts makes the row with a group's operations by name. It is filled when it
// is opened.
function groupParts(g, tr, width) {
  const cell = el("td", { colspan: width });
  const row = el("tr", { class: "parts", hidden: true }, cell);
  const open = tr.querySelector(".twisty-button");
  open.addEventListener("click", () => {
    row.hidden = !row.hidden;
    open.setAttribute("aria-expanded", !row.hidden);
    if (row.hidden || cell.firstChild) return;
    const parts = groupOps((op) => T.name[op], g.ops).sort((a, b) => b.self - a.self);
    cell.append(listed(el("ul", { class: "parts-list" }), parts, 50, groupPart));
  });
  return [row];
}

// groupPart makes the line of one name of a group.
function groupPart(part) {
  const name = el("bdi", { text: show(T.name[part.first]) || "(no name)" });
  const numbers = plural(part.count, "operation") + ", self " + duration(part.self) + ", longest " + timeCell(part.max);
  return el(
    "li",
    {},
    el("button", { type: "button", class: "to-op", title: "Go to the longest", onclick: () => goTo(part.longest) }, name),
    el("span", { class: "parts-numbers", text: numbers }),
  );
}

// activity draws when a group's operations ran.
function activity(g, by) {
  const canvas = el("canvas", { class: "activity", role: "img" });
  let begin = Infinity;
  let end = -Infinity;
  for (const op of g.ops) {
    if (T.flags[op] & flag.noTime) continue;
    begin = Math.min(begin, T.begin[op], T.end[op]);
    end = Math.max(end, T.begin[op], T.end[op]);
  }
  canvas.setAttribute("aria-label", end < begin ? "no times" : "from " + duration(begin) + " to " + duration(end));
  canvas.draw = () => {
    const w = canvas.clientWidth || 160;
    canvas.width = w;
    canvas.height = 14;
    const c = canvas.getContext("2d");
    const busy = new Uint8Array(w);
    const scale = w / (T.to - T.from);
    for (const op of g.ops) {
      if (T.flags[op] & half) continue;
      const x0 = Math.max(0, Math.floor((Math.min(T.begin[op], T.end[op]) - T.from) * scale));
      busy.fill(1, x0, Math.max(x0 + 1, Math.ceil((Math.max(T.begin[op], T.end[op]) - T.from) * scale)));
    }
    c.fillStyle = by === "service" ? palette()[g.colour % 8] : getComputedStyle(canvas).color;
    for (let x = 0; x < w; x++) if (busy[x]) c.fillRect(x, 1, 1, 12);
  };
  return canvas;
}
