"use strict";
// The list of findings. Each of them leads to its operations.

const findingIcons = {
  failure: "failed",
  critical: "critical",
  repeated: "repeated",
  gap: "gap",
  incomplete: "half",
  skew: "clock",
};
const findingNames = {
  failure: "Failure",
  critical: "Critical path",
  repeated: "Repeated",
  gap: "Gap",
  incomplete: "Incomplete",
  skew: "Clocks",
};
const mostListed = 20;

function initFindings() {
  const a = T.analysis;
  const pane = $("findings");
  const found = a?.findings ?? [];
  const parts = [];
  if (found.length > 0) parts.push(el("ol", { class: "findings-list" }, ...found.map(findingItem)));
  else parts.push(el("p", { class: "faint", text: T.n === 0 ? "The trace has no operations." : "Nothing stands out." }));
  parts.push(
    ...warningsSection(),
    ...criticalSection(a),
    ...repeatedSection(a),
    ...failuresSection(a),
    ...gapsSection(a),
    ...slowestSection(a),
  );
  pane.replaceChildren(...parts);
  const n = found.length + (T.warnings?.length ?? 0);
  $("tab-findings").textContent = n > 0 ? "Findings (" + count(n) + ")" : "Findings";
}

// findingItem makes an entry. Several operations are visited one after the other.
function findingItem(finding) {
  const ops = (finding.ops ?? []).filter((op) => op >= 0 && op < T.n);
  let at = -1;
  const position = el("span", { class: "faint position" });
  const text = findingText(finding.text);
  const content = [
    icon(findingIcons[finding.kind] ?? "warning"),
    el("span", { class: "finding-text" }, el("b", { text: (findingNames[finding.kind] ?? visible(finding.kind)) + " " }), text),
  ];
  if (ops.length === 0)
    return el(
      "li",
      { class: "finding mark-" + finding.kind, data: { kind: finding.kind } },
      el("div", { class: "finding-body" }, ...content),
    );
  const button = el(
    "button",
    {
      type: "button",
      class: "finding-body",
      onclick: () => {
        at = (at + 1) % ops.length;
        if (ops.length > 1)
          position.textContent = positionText(at, ops.length, finding.op_count) + (at === 0 ? " – press again for the next" : "");
        visit(ops[at]);
        announce("Operation " + (at + 1) + " of " + ops.length + ".");
      },
    },
    ...content,
    position,
  );
  return el(
    "li",
    { class: "finding mark-" + finding.kind, data: { kind: finding.kind, ops: ops.slice(0, 100).join(" ") } },
    button,
  );
}

// positionText tells which of its operations a finding has gone to. The analysis names
// the first hundred.
function positionText(at, named, all) {
  return count(at + 1) + " of " + (all > named ? "the first " + countOf(named, all) : count(named));
}

// visit shows an operation and leaves the focus and the pane where they are.
function visit(op) {
  if (state.view !== "tree" && state.view !== "flame") setView("tree");
  select(op, { reveal: true });
  if (document.documentElement.clientWidth < 760) closeSide();
}

// findingText shows names in backquotes as code.
function findingText(text) {
  const node = el("bdi");
  text.split("`").forEach((part, i) => {
    if (i % 2 === 1) node.append(el("code", { text: visible(part) }));
    else node.append(visible(part));
  });
  return node;
}

function warningsSection() {
  const list = T.warnings ?? [];
  if (list.length === 0) return [];
  return [
    folded(
      "Warnings about the data (" + count(list.length) + ")",
      "warnings",
      listed(el("ul", { class: "plain-list" }), list, mostListed, (text) => el("li", {}, traceText("span", text))),
    ),
  ];
}

// opLine makes a line of a list that goes to an operation.
function opLine(op, name, what, numbers) {
  const words = [el("b", {}, el("bdi", { text: visible(name ?? "") })), " ", el("bdi", { text: visible(what ?? "") })];
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "op-line", onclick: () => visit(op) },
      el("span", { class: "chip c" + (op >= 0 ? T.colour[op] % 8 : 7), "aria-hidden": "true" }),
      el("span", { class: "op-words" }, ...words),
      el("span", { class: "op-numbers", text: numbers }),
    ),
  );
}

// listSection makes a section with a list. The analysis may have found more than it
// lists.
function listSection(title, name, items, make, note, all = items.length) {
  if (items.length === 0) return [];
  return [
    folded(
      title + " (" + countOf(items.length, all) + ")",
      name,
      note ? el("p", { class: "faint", text: note }) : null,
      listed(el("ul", { class: "op-list" }), items, mostListed, make),
    ),
  ];
}

function criticalSection(a) {
  const list = listSection(
    "Critical path",
    "critical",
    a?.critical_path?.operations ?? [],
    (o) => opLine(o.op, o.name, o.what, duration(o.time_us) + " · " + percent(o.share, 1)),
    "The trace becomes faster if one of these becomes faster. The time is that of the operation itself on the path.",
    a?.critical_path?.operation_count,
  );
  for (const part of list) part.open = true;
  return list;
}

function repeatedSection(a) {
  return listSection("Repeated calls", "repeated", a?.repeated ?? [], (r) =>
    opLine(r.ops?.[0] ?? r.parent, r.name, r.what, "×" + count(r.count) + " · " + duration(r.total_us)),
  );
}

function failuresSection(a) {
  return listSection("Failures", "failures", a?.failures ?? [], (f) =>
    opLine(f.op, f.name, [f.exception, f.message].filter(Boolean).join(": ") || f.what, f.handled ? "handled" : ""),
  );
}

function gapsSection(a) {
  const make = (g) => {
    const target = g.op >= 0 ? g.op : g.after >= 0 ? g.after : g.before;
    const name = g.op >= 0 ? str(T.name[g.op]) : "nothing ran";
    return opLine(target, name, "from " + duration(g.begin_us) + " to " + duration(g.end_us), duration(g.end_us - g.begin_us));
  };
  return listSection(
    "Gaps",
    "gaps",
    a?.gaps ?? [],
    make,
    "In a gap an operation ran, but nothing is known below it.",
    a?.gap_count,
  );
}

function slowestSection(a) {
  return listSection(
    "Slowest operations",
    "slowest",
    a?.slowest ?? [],
    (o) => opLine(o.op, o.name, o.what, duration(o.duration_us)),
    null,
    a?.slowest_count,
  );
}
