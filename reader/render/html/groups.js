"use strict";
// Sums over groups of operations, for the views by service and by name.

// groupOps sums up the operations by a number that keyOf returns.
function groupOps(keyOf, ops) {
  const groups = new Map();
  const add = (op) => {
    const key = keyOf(op);
    let g = groups.get(key);
    if (!g) groups.set(key, (g = newGroup(op)));
    addOp(g, op);
  };
  if (ops) ops.forEach(add);
  else for (let op = 0; op < T.n; op++) add(op);
  for (const g of groups.values()) finishGroup(g);
  return [...groups.values()];
}

function newGroup(op) {
  return {
    first: op,
    ops: [],
    count: 0,
    failed: 0,
    incomplete: 0,
    repeated: 0,
    total: 0,
    self: 0,
    critical: 0,
    times: [],
    longest: op,
    colour: T.colour[op],
  };
}

function addOp(g, op) {
  const f = T.flags[op];
  g.count++;
  g.ops.push(op);
  g.self += T.self[op];
  g.critical += T.critical[op];
  if (f & flag.failed) g.failed++;
  if (f & flag.repeated) g.repeated++;
  const time = elapsed(op);
  if (Number.isNaN(time)) {
    g.incomplete++;
    return;
  }
  g.total += time;
  g.times.push(time);
  if (!(elapsed(g.longest) >= time)) g.longest = op;
}

function finishGroup(g) {
  const times = Float64Array.from(g.times).sort();
  const at = (share) => (times.length ? times[Math.min(times.length - 1, Math.ceil(share * times.length) - 1)] : NaN);
  g.mean = times.length ? g.total / times.length : NaN;
  g.median = at(0.5);
  g.p95 = at(0.95);
  g.max = times.length ? times[times.length - 1] : NaN;
  g.times = null;
}

const timeCell = (us) => (Number.isNaN(us) ? "–" : duration(us));

// countCell shows a number of marked operations with its mark, or nothing.
function countCell(n, mark, text) {
  if (n === 0) return document.createTextNode("0");
  return el("span", { class: "mark-count mark-" + mark }, icon(mark, text), " " + count(n));
}
