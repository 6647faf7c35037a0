"use strict";
// The pane at the side with the findings and the details.

function initSide() {
  tabs($("side-tabs"), (button) => showSide(button.dataset.side));
  $("side-close").append(icon("close"));
  $("side-close").addEventListener("click", () => {
    closeSide();
    focusView();
  });
  $("side-toggle").append(icon("side"), el("span", { text: "Findings" }));
  $("side-toggle").addEventListener("click", toggleSide);
  on("select", ({ details }) => details && showSide("details"));
  makeSplitter($("side-splitter"), {
    direction: -1,
    get: () => $("side").offsetWidth,
    least: 240,
    most: () => document.documentElement.clientWidth * 0.7,
    set: (width) => {
      $("app").style.setProperty("--side", width + "px");
      emit("size");
    },
  });
  selectTab($("side-tabs"), $("tab-findings"));
  if (document.documentElement.clientWidth < 1000) closeSide();
}

// showSide shows the pane with one of its tabs.
function showSide(name) {
  state.side = name;
  selectTab($("side-tabs"), $("tab-" + name));
  if ($("app").classList.contains("no-side")) {
    $("app").classList.remove("no-side");
    $("side-toggle").setAttribute("aria-expanded", "true");
    emit("size");
  }
}

function closeSide() {
  $("app").classList.add("no-side");
  $("side-toggle").setAttribute("aria-expanded", "false");
  emit("size");
}

function toggleSide() {
  if ($("app").classList.contains("no-side")) showSide(state.side);
  else closeSide();
}
