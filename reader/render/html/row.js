"use strict";
// One row of the tree. Rows are made once and filled anew for other operations.

const markNames = [
  // [flag, icon, class, name]
  [flag.failed, "failed", "failed", "failed"],
  [flag.critical, "critical", "critical", "on the critical path"],
  [flag.repeated, "repeated", "repeated", "repeated"],
  [flag.orphan, "orphan", "orphan", "orphan: its parent is not above it"],
];

// smallShare is the share of the trace below which an operation's part of the
// critical path has a small mark.
const smallShare = 0.02;

function makeRow() {
  const row = el("div", { class: "row", role: "row", tabindex: "-1" });
  const part = {
    twisty: el("span", { class: "twisty", "aria-hidden": "true" }, icon("open")),
    level: el("span", { class: "level" }),
    chip: el("span", { class: "chip", "aria-hidden": "true" }),
    service: el("bdi", { class: "service" }),
    name: el("bdi", { class: "name" }),
    error: el("bdi", { class: "error" }),
    detail: el("bdi", { class: "detail" }),
    marks: el("span", { class: "marks" }),
    duration: el("div", { class: "cell-duration", role: "gridcell" }),
    bar: el("div", { class: "bar" }),
    track: el("div", { class: "track" }),
    note: el("span", { class: "bar-note" }),
  };
  const label = el(
    "div",
    { class: "cell-label", role: "gridcell" },
    part.twisty,
    part.level,
    part.chip,
    part.service,
    part.name,
    part.error,
    part.detail,
    part.marks,
  );
  const time = el("div", { class: "cell-time", role: "gridcell" }, part.bar, part.track, part.note);
  row.append(label, part.duration, time);
  part.marks.append(
    ...markNames.map(([, name, className, text]) => {
      const svg = icon(name, text);
      svg.classList.add("mark", "mark-" + className);
      return svg;
    }),
  );
  part.markIcons = [...part.marks.children];
  part.label = label;
  part.time = time;
  row.cells = part;
  return row;
}

// Elements of rows remember what was written to them, because neighbouring rows are alike,
// and the browser lays out anew what is written, also if it is the same.

function setText(node, text) {
  if (node.shownText === text) return;
  node.shownText = text;
  node.textContent = text;
}

function setClass(node, name) {
  if (node.shownClass === name) return;
  node.shownClass = name;
  node.className = name;
}

function setStyle(node, property, value) {
  const shown = (node.shownStyle ??= {});
  if (shown[property] === value) return;
  shown[property] = value;
  node.style.setProperty(property, value);
}

function fillRow(row, index) {
  const op = tree.rows[index];
  const part = row.cells;
  const f = T.flags[op];
  row.op = op;
  row.id = "row-" + op;
  row.dataset.op = op;
  row.dataset.id = str(T.id[op]);
  setRowState(row, op, index);
  setStyle(part.label, "--depth", Math.min(T.depth[op], rowsView.mostIndent));
  setText(part.level, T.depth[op] > rowsView.mostIndent ? String(T.depth[op]) : "");
  part.twisty.classList.toggle("none", !row.hasAttribute("aria-expanded"));
  setClass(part.chip, "chip c" + (T.colour[op] % 8));
  const p = T.parent[op];
  const namesService = p < 0 || T.service[p] !== T.service[op];
  setText(part.service, namesService ? serviceName(T.service[op]) : "");
  setText(part.name, T.name[op] ? show(T.name[op]) : "(no name)");
  setText(part.error, f & flag.failed ? show(T.exception[op]) : "");
  setText(part.detail, show(T.detail[op]));
  markNames.forEach(([bit], i) => part.markIcons[i].classList.toggle("off", !(f & bit)));
  part.markIcons[1].classList.toggle("small", T.critical[op] < smallShare * (T.to - T.from));
  setText(part.duration, durationText(op));
  part.duration.classList.toggle("unknown", (f & half) !== 0);
  fillBar(part, op, f);
}

function rowTitle(op) {
  const parts = [serviceName(T.service[op]), show(T.name[op]), show(T.detail[op])];
  if (T.exception[op]) parts.push("failed: " + show(T.exception[op]));
  const repeat = repeatOf(op);
  if (repeat) parts.push("repeated " + count(repeat.count) + " times");
  return parts.filter(Boolean).map(isolated).join(" · ");
}

// repeatOf returns the group of equal calls that an operation is in, or undefined.
function repeatOf(op) {
  if (!T.repeats) {
    T.repeats = new Map();
    for (const repeat of T.analysis?.repeated ?? []) for (const one of repeat.ops ?? []) T.repeats.set(one, repeat);
  }
  return T.repeats.get(op);
}

// setRowState sets what screen readers and styles need of the tree's state.
function setRowState(row, op, index) {
  const selected = op === state.selected;
  row.setAttribute("aria-level", T.depth[op] + 1);
  row.setAttribute("aria-rowindex", index + 2);
  row.setAttribute("aria-selected", selected);
  if (hasRowsBelow(op)) row.setAttribute("aria-expanded", !tree.collapsed[op]);
  else row.removeAttribute("aria-expanded");
  row.classList.toggle("kept", tree.kept !== null && tree.kept[op] === 1);
  row.classList.toggle("found", isFound(op));
  row.classList.toggle("failed", (T.flags[op] & flag.failed) !== 0);
}

// fillBar places an operation's bar, and the parts of the critical path in it.
function fillBar(part, op, f) {
  const { bar, track, note } = part;
  const untimed = (f & flag.noTime) !== 0;
  bar.hidden = untimed;
  track.hidden = untimed || !(f & flag.critical);
  note.hidden = !untimed;
  if (untimed) {
    note.textContent = "no time";
    part.time.setAttribute("aria-label", "no time");
    return;
  }
  const { from, to } = barTimes(op);
  const most = timeline.width + 20;
  const left = Math.max(Math.min(xOf(from), most), -20);
  const right = Math.max(Math.min(xOf(to), most), -20);
  setStyle(bar, "transform", "translateX(" + left.toFixed(1) + "px)");
  setStyle(bar, "width", Math.max(right - left, 2).toFixed(1) + "px");
  setClass(
    bar,
    "bar c" +
      (T.colour[op] % 8) +
      (f & flag.failed ? " bar-failed" : "") +
      (f & flag.noStop ? " bar-no-stop" : "") +
      (f & flag.noStart ? " bar-no-start" : "") +
      (T.end[op] < T.begin[op] ? " bar-negative" : ""),
  );
  if (!track.hidden) fillTrack(track, op);
  part.time.setAttribute("aria-label", timeLabel(op, f));
}

function timeLabel(op, f) {
  if (f & flag.noStop) return "from " + duration(T.begin[op]) + ", no stop";
  if (f & flag.noStart) return "to " + duration(T.end[op]) + ", no start";
  return "from " + duration(T.begin[op]) + " to " + duration(T.end[op]);
}

// fillTrack draws the operation's parts of the critical path. Parts without a
// pixel between them are one.
function fillTrack(track, op) {
  const parts = [];
  for (const { begin, end } of criticalSegments(op)) {
    const left = Math.max(xOf(begin), -5);
    const right = Math.min(Math.max(xOf(end), left + 2), timeline.width + 5);
    if (right < 0 || left > timeline.width) continue;
    const before = parts[parts.length - 1];
    if (before && left - before[1] < 1) before[1] = Math.max(before[1], right);
    else parts.push([left, right]);
  }
  while (track.children.length < parts.length) track.append(el("i"));
  for (let i = 0; i < track.children.length; i++) {
    const segment = track.children[i];
    segment.hidden = i >= parts.length;
    if (segment.hidden) continue;
    setStyle(segment, "transform", "translateX(" + parts[i][0].toFixed(1) + "px)");
    setStyle(segment, "width", (parts[i][1] - parts[i][0]).toFixed(1) + "px");
  }
}

// criticalSegments returns the segments of the critical path in an operation.
function criticalSegments(op) {
  T.segments ??= segmentsByOp(T.analysis?.critical_path?.segments);
  return T.segments.get(op) ?? [];
}

// segmentsByOp reads the segments, which are in columns and follow one another.
function segmentsByOp(segments) {
  const byOp = new Map();
  const add = (op, begin, end) => {
    if (!byOp.has(op)) byOp.set(op, []);
    const shift = T.shift?.[op] ?? 0;
    byOp.get(op).push({ begin: begin - shift, end: end - shift });
  };
  let end = segments?.begin ?? 0;
  summedUp(segments?.op).forEach((op, i) => {
    const begin = end;
    end += segments.length[i];
    add(op, begin / segments.ticks, end / segments.ticks);
  });
  return byOp;
}
