"use strict";
// Links to operations: #op=ID, or #n=NUMBER where an id is missing or not unique.

let opsById = null;

function operationById(id) {
  if (!opsById) {
    opsById = new Map();
    for (let op = 0; op < T.n; op++) opsById.set(str(T.id[op]), opsById.has(str(T.id[op])) ? -1 : op);
    opsById.delete("");
  }
  return opsById.get(id) ?? -1;
}

function hashOf(op) {
  return operationById(str(T.id[op])) === op
    ? "#op=" + encodeURIComponent(str(T.id[op]).toWellFormed?.() ?? str(T.id[op]))
    : "#n=" + op;
}

// linkTo returns the address of this page with an operation.
function linkTo(op) {
  return location.href.replace(/#.*$/s, "") + hashOf(op);
}

// openHash selects the operation that the address names. It returns whether there
// is one.
function openHash() {
  const params = new URLSearchParams(location.hash.slice(1));
  const op = params.has("op") ? operationById(params.get("op")) : params.has("n") ? Number(params.get("n")) : -1;
  if (!Number.isInteger(op) || op < 0 || op >= T.n) {
    if (params.has("op") || params.has("n")) announce("The address names an operation that is not in this trace.");
    return false;
  }
  if (op !== state.selected || tree.rowOf[op] < 0) select(op, { reveal: true, details: true });
  return true;
}

function initHash() {
  const write = debounce(200, () => {
    const hash = state.selected >= 0 ? hashOf(state.selected) : "";
    if (hash === location.hash) return;
    try {
      history.replaceState(null, "", hash);
    } catch {
      // Some browsers do not let a file change its address.
    }
  });
  on("select", write);
  addEventListener("hashchange", openHash);
}
