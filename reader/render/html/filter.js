"use strict";
// The filters. Operations that match stay, with their ancestors, which are dimmed.

function initFilters() {
  const service = $("filter-service");
  service.append(el("option", { value: "", text: "all" }));
  for (const s of T.services)
    service.append(
      el("option", { value: s.text, text: isolated(serviceName(s.text).slice(0, 60)) + " (" + count(s.count) + ")" }),
    );
  const sum = (bit) => T.flags.reduce((n, f) => n + (f & bit ? 1 : 0), 0);
  for (const [id, mark, text] of [
    ["failed", "failed", "Failed"],
    ["critical", "critical", "Critical path"],
    ["repeated", "repeated", "Repeated"],
  ]) {
    const n = sum(flag[mark]);
    $("filter-" + id + "-text").replaceChildren(icon(mark), " " + text + " (" + count(n) + ")");
    $("filter-" + id + "-text").classList.add("mark-" + mark);
    $("filter-" + id).disabled = n === 0;
  }
  const form = $("filters");
  form.addEventListener("input", debounce(120, applyFilters));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    applyFilters();
  });
  $("filter-clear").addEventListener("click", () => {
    clearFilters();
    focusView();
  });
  $("filters-toggle").prepend(icon("filter"));
  $("filters-toggle").addEventListener("click", () => {
    const open = form.classList.toggle("open");
    $("filters-toggle").setAttribute("aria-expanded", open);
    emit("size");
  });
  on("marks", () => {
    const box = $("filter-search");
    box.disabled = search.found === null;
    if (!box.checked) return;
    if (search.found === null) box.checked = false;
    applyFilters();
  });
  $("filter-search").disabled = search.found === null;
}

// exactName is a name that the view "Stats" has put into the field, and how it is
// shown there. The field cannot hold every name as it is.
let exactName = null;

// nameFilter returns a function that tells whether an operation has the wanted name
// or description. A text in double quotes is a whole name.
function nameFilter(value) {
  if (exactName && value === exactName.shown) return (op) => T.name[op] === exactName.text;
  const whole = /^"(.*)"$/s.exec(value.trim());
  if (whole) return (op) => str(T.name[op]) === whole[1];
  const wanted = value.trim().toLowerCase();
  if (wanted === "") return null;
  const hit = T.strings.map((text) => text.toLowerCase().includes(wanted));
  return (op) => hit[T.name[op]] || hit[T.detail[op]];
}

// readFilters returns what the reader set, or null without a filter.
function readFilters() {
  const f = {
    service: $("filter-service").value,
    named: nameFilter($("filter-name").value),
    least: parseDuration($("filter-duration").value),
    bits: 0,
    search: $("filter-search").checked && search.found !== null,
  };
  for (const mark of ["failed", "critical", "repeated"]) if ($("filter-" + mark).checked) f.bits |= flag[mark];
  const wrong = $("filter-duration").value.trim() !== "" && Number.isNaN(f.least);
  $("filter-duration").setAttribute("aria-invalid", wrong);
  $("filter-duration").title = wrong
    ? "Write a duration as 10 ms, 1.5 s or 200 us."
    : "10 ms, 1.5 s or 200 us; a number alone is milliseconds";
  return f.service === "" && f.named === null && Number.isNaN(f.least) && f.bits === 0 && !f.search ? null : f;
}

function applyFilters() {
  const f = readFilters();
  $("filter-clear").hidden = f === null;
  $("filters-toggle").classList.toggle("active", f !== null);
  if (!f) {
    $("filter-count").textContent = "";
    delete $("filter-count").dataset.matches;
    setFilter(null);
    return;
  }
  const matches = new Uint8Array(T.n);
  let n = 0;
  for (let op = 0; op < T.n; op++) {
    if (f.service !== "" && T.service[op] !== Number(f.service)) continue;
    if (f.named && !f.named(op)) continue;
    if (!Number.isNaN(f.least) && !(elapsed(op) >= f.least)) continue;
    if ((T.flags[op] & f.bits) !== f.bits) continue;
    if (f.search && !search.found[op]) continue;
    matches[op] = 1;
    n++;
  }
  setFilter(matches);
  const text = count(n) + " of " + plural(T.n, "operation");
  $("filter-count").textContent = text;
  $("filter-count").dataset.matches = n;
  announce(text + " match.");
}

function clearFilters() {
  $("filters").reset();
  applyFilters();
}

function setFilterService(op) {
  $("filters").reset();
  $("filter-service").value = T.service[op];
  applyFilters();
}

// setFilterName shows only the operations with exactly this name.
function setFilterName(text) {
  $("filters").reset();
  exactName = { text, shown: '"' + show(text) + '"' };
  $("filter-name").value = exactName.shown;
  applyFilters();
}
