"use strict";
// Printing. The rows in view are not enough on paper, so all rows of the tree are
// written as a table, up to a limit.

const mostPrinted = 2000;

function initPrint() {
  addEventListener("beforeprint", fillPrint);
  addEventListener("afterprint", () => $("print").replaceChildren());
}

function fillPrint() {
  const total = tree.rows.length;
  const shown = Math.min(total, mostPrinted);
  const rows = [];
  for (let i = 0; i < shown; i++) rows.push(printRow(tree.rows[i]));
  const notes = [];
  if (T.began !== null && T.began !== undefined) notes.push("Began " + timeOfDay(T.began, false));
  notes.push("took " + duration(T.duration ?? 0), plural(T.n, "operation"), plural(T.failed, "failed", "failed"));
  if (total < T.n) notes.push(count(T.n - total) + " are collapsed or filtered and not printed");
  if (isZoomed()) notes.push("the bars show " + duration(state.from) + " to " + duration(state.to));
  const findings = (T.analysis?.findings ?? []).map((finding) => el("li", {}, findingText(finding.text)));
  $("print").replaceChildren(
    el("h1", {}, el("bdi", { text: visible(T.title || "Trace") })),
    el("p", { text: notes.join(", ") + "." }),
    findings.length ? el("ul", {}, ...findings) : "",
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...["Operation", "Start", "Duration", "Timeline"].map((name) => el("th", { text: name })))),
      el("tbody", {}, ...rows),
    ),
    shown < total
      ? el("p", {
          class: "print-rest",
          text:
            "The first " +
            count(shown) +
            " of " +
            count(total) +
            " rows are printed. " +
            count(total - shown) +
            " rows are left out.",
        })
      : "",
  );
}

function printRow(op) {
  const f = T.flags[op];
  const marks = markNames.filter(([bit]) => f & bit).map(([, name, , text]) => icon(name, text));
  const name = el(
    "td",
    { class: "print-name" },
    ...marks,
    el(
      "b",
      {},
      el("bdi", {
        text:
          (T.parent[op] < 0 || T.service[T.parent[op]] !== T.service[op] ? serviceName(T.service[op]) + " " : "") +
          show(T.name[op]),
      }),
    ),
    " ",
    el("bdi", { text: show(T.detail[op]) }),
  );
  name.style.paddingLeft = Math.min(T.depth[op], 25) * 8 + "px";
  const bar = el("span", { class: "print-bar" });
  if (!(f & flag.noTime)) {
    const { from, to } = barTimes(op);
    const share = (time) => Math.min(Math.max((time - state.from) / (state.to - state.from), 0), 1) * 100;
    bar.style.marginLeft = Math.min(share(from), 99) + "%";
    bar.style.width = Math.max(share(to) - share(from), 0.6) + "%";
  }
  const start = f & (flag.noTime | flag.noStart) ? "" : duration(T.begin[op]);
  return el(
    "tr",
    { class: f & flag.failed ? "print-failed" : f & flag.critical ? "print-critical" : "" },
    name,
    el("td", { text: start }),
    el("td", { text: durationText(op) }),
    el("td", { class: "print-time" }, bar),
  );
}
