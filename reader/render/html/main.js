"use strict";
// The start of the page.

function fail(...content) {
  const box = $("failure");
  box.replaceChildren(...content);
  box.hidden = false;
}

// missing names what the page needs and the browser does not have.
function missing() {
  if (typeof DecompressionStream !== "function") return "DecompressionStream";
  if (typeof Array.prototype.findLast !== "function") return "Array.findLast";
  return "";
}

// firstPaint resolves when the rows are painted. A page in the background is not
// painted.
function firstPaint() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 200);
  });
}

// build shows a fresh copy of the page. A page that was saved from a browser has
// the rows and lists of that time, which are removed.
function build() {
  delete document.documentElement.dataset.ready;
  for (const id of ["failure", "app", "live", "print"]) $(id)?.remove();
  // Before the scripts, so that a saved copy is read before they run.
  $("page").after(document.importNode($("page").content, true));
}

async function main() {
  build();
  const lack = missing();
  if (lack) {
    fail(
      "This browser is too old for this page: it has no ",
      el("code", { text: lack }),
      ". Use Chrome or Edge 111, Firefox 121, Safari 16.4, or newer, or read the trace as text with ",
      el("code", { text: "osp trace show" }),
      ".",
    );
    return;
  }
  try {
    await loadTrace();
  } catch (error) {
    fail(
      "The trace in this file cannot be read: " + error.message + ". The file may be cut off. Write it again with ",
      el("code", { text: "osp trace show --html" }),
      ".",
    );
    return;
  }
  $("app").hidden = false;
  initTree();
  initRange();
  initHead();
  initSide();
  initRows();
  measure();
  requestAnimationFrame(() => setTimeout(() => performance.mark("osp-painted"))); // for the benchmark
  // The rest of a large trace waits for the first paint.
  if (T.n > 5000) await firstPaint();
  try {
    await loadAnalysis();
  } catch (error) {
    T.analysis = null;
    announce("The findings cannot be read: " + error.message);
  }
  for (const init of [
    initOverview,
    initZoom,
    initFindings,
    initDetails,
    initSearch,
    initFilters,
    initFlame,
    initServices,
    initStats,
    initHelp,
    initKeys,
    initPrint,
    initHash,
  ])
    init();
  new ResizeObserver(perFrame(() => emit("size"))).observe($("main"));
  emit("size");
  refreshRows();
  openHash();
  document.documentElement.dataset.ready = "1";
}

main();
