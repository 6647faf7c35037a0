"use strict";
// The head of the page: the title, the facts, the views and the theme.

function initHead() {
  const title = (T.title || "Trace").replace(" · Trace " + T.baseId, ""); // the id is among the facts
  $("title").append(el("bdi", { text: visible(title) }));
  $("facts").replaceChildren(...facts());
  $("theme-toggle").append(icon("theme"));
  $("theme-toggle").addEventListener("click", changeTheme);
  systemDark.addEventListener("change", () => {
    applyTheme();
    nameTheme();
    emit("theme");
  });
  nameTheme();
  tabs($("views"), (button) => setView(button.dataset.view));
  on("view", (view) => selectTab($("views"), $("tab-" + view)));
  selectTab($("views"), $("tab-tree"));
  initTreeTools();
}

function facts() {
  const list = [];
  const add = (name, ...content) => list.push(el("li", { data: { fact: name } }, ...content));
  add("duration", el("b", { text: duration(T.duration ?? 0) }));
  add("operations", el("b", { text: count(T.n) }), T.n === 1 ? " operation" : " operations");
  add("services", el("b", { text: count(T.services.length) }), T.services.length === 1 ? " service" : " services");
  add(
    "failed",
    T.failed > 0
      ? el("span", { class: "mark-failed" }, icon("failed"), " ", el("b", { text: count(T.failed) }), " failed")
      : "none failed",
  );
  if (T.baseId)
    add(
      "id",
      el("span", { class: "faint", text: "id " }),
      el("code", {}, el("bdi", { text: visible(T.baseId) })),
      copyButton("the trace's id", T.baseId),
    );
  if (T.began !== null && T.began !== undefined) {
    add(
      "began",
      el(
        "time",
        { datetime: new Date(T.began / 1000).toISOString(), title: timeOfDay(T.began, true) + " in your zone" },
        timeOfDay(T.began, false).replace(/\.\d+/, ""),
      ),
    );
    if (new Date(T.began / 1000).getTimezoneOffset() !== 0)
      add(
        "began-local",
        el("span", { class: "faint", text: "local " }),
        timeOfDay(T.began, true).replace(/^\S+ /, "").replace(/\.\d+/, ""),
      );
  }
  return list;
}

function changeTheme() {
  toggleTheme();
  nameTheme();
  emit("theme");
}

function nameTheme() {
  const name = currentTheme() === "dark" ? "Light theme" : "Dark theme";
  $("theme-toggle").setAttribute("aria-label", name);
  $("theme-toggle").title = name;
}

function initTreeTools() {
  $("expand-all").addEventListener("click", () => collapseTo(Infinity));
  $("collapse-all").addEventListener("click", () => collapseTo(0));
  const depth = $("expand-depth");
  depth.append(el("option", { value: "", text: "all" }));
  for (let d = 1; d <= Math.min(T.deepest, 20); d++) depth.append(el("option", { value: d, text: String(d) }));
  depth.addEventListener("change", () => collapseTo(depth.value === "" ? Infinity : Number(depth.value) - 1));
}

// focusView puts the focus into the view that is shown.
function focusView() {
  if (state.view === "tree") focusTree();
  else if (state.view === "flame") $("flame-canvas").focus();
  else $("view-" + state.view).focus();
}

function focusTree() {
  if (tree.rows.length === 0) return;
  const op = state.selected >= 0 && tree.rowOf[state.selected] >= 0 ? state.selected : tree.rows[0];
  select(op, { focus: true });
}
