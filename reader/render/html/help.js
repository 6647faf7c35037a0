"use strict";
// The dialog that lists keys and marks.

const keyHelp = [
  [
    "Tree",
    [
      ["↑ ↓", "previous and next row"],
      ["→ ←", "expand, or go to the first child; collapse, or go to the parent"],
      ["Home End", "first and last row"],
      ["Page Up, Page Down", "a screen up and down"],
      ["Enter", "details of the operation"],
      ["Space", "expand or collapse"],
      ["*", "expand all"],
      ["0", "collapse all"],
      ["1 … 9", "expand to that depth"],
      ["Shift+→ Shift+←", "expand or collapse all below"],
      ["c", "next on the critical path"],
      ["f", "next failed"],
      ["r", "next repeated"],
    ],
  ],
  [
    "Timeline",
    [
      ["+ −", "zoom in and out"],
      ["=", "whole trace"],
      ["z", "zoom to the operation"],
      ["[ ] or a d", "move to the left and right"],
      ["Ctrl+wheel", "zoom at the pointer"],
      ["Shift+wheel", "move to the left and right"],
      ["drag", "select a part; in a zoomed timeline, move"],
      ["double click", "zoom to a bar; beside bars, whole trace"],
      ["two fingers", "zoom and move"],
    ],
  ],
  [
    "Search and views",
    [
      ["/", "search"],
      ["n  Shift+n", "next and previous match"],
      ["Enter  Shift+Enter", "the same in the search field"],
      ["t g s", "tree, flame graph, services"],
      ["i", "findings and details"],
      ["?", "this help"],
      ["Escape", "close, or clear the search"],
    ],
  ],
];

const markHelp = [
  ["failed", "failed", "Failed. Its bar is hatched."],
  [
    "critical",
    "critical",
    "On the critical path: the chain of operations that decides how long the trace takes. A line under the bar shows the parts.",
  ],
  ["repeated", "repeated", "Repeated: the same call several times below one parent."],
  [
    "half",
    "",
    "No stop or no start: its bar has an open, fading end. The operation is still running or hangs, its process died, or a notification was lost.",
  ],
  ["orphan", "orphan", "Orphan: its parent is not in the trace, or the parents form a circle."],
];

function initHelp() {
  const dialog = $("help");
  $("help-open").addEventListener("click", openHelp);
  const letters = el("input", { type: "checkbox" });
  letters.checked = state.letters;
  letters.addEventListener("change", () => {
    state.letters = letters.checked;
    remember("osp-letters", state.letters ? null : "off");
  });
  const close = el(
    "button",
    { type: "button", class: "icon", "aria-label": "Close", onclick: () => dialog.close() },
    icon("close"),
  );
  dialog.append(
    el("div", { class: "help-head" }, el("h2", { id: "help-title", text: "Keys and marks" }), close),
    el(
      "div",
      { class: "help-body" },
      ...keyHelp.map(([title, keys]) =>
        el(
          "section",
          {},
          el("h3", { text: title }),
          el(
            "dl",
            { class: "keys" },
            ...keys.flatMap(([key, text]) => [el("dt", {}, el("kbd", { text: key })), el("dd", { text })]),
          ),
        ),
      ),
      el(
        "section",
        {},
        el("h3", { text: "Marks" }),
        el(
          "ul",
          { class: "marks-list" },
          ...markHelp.map(([name, mark, text]) =>
            el("li", { class: mark ? "mark-" + mark : "" }, icon(name), el("span", { text })),
          ),
        ),
      ),
    ),
    el(
      "p",
      { class: "help-foot" },
      el("label", { class: "check" }, letters, el("span", { text: "Single letters and digits are keys" })),
    ),
    el("p", {
      class: "faint help-foot",
      text: "Written by " + visible(T.generator ?? "osp") + ". This file loads nothing from anywhere.",
    }),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

function openHelp() {
  if (!$("help").open) $("help").showModal();
}
