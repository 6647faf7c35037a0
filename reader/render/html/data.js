"use strict";
// The trace. The page has a small index, which is decoded at once, and the whole
// report in chunks (report.js).

const flag = {
  failed: 1,
  noStart: 2,
  noStop: 4,
  orphan: 8,
  critical: 16,
  repeated: 32,
  rootFailure: 64,
  noTime: 128,
  wholeMs: 256,
};
const half = flag.noStart | flag.noStop | flag.noTime;

let T = null; // the trace, from loadTrace

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}

async function gunzip(data) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error("its compressed data are damaged or incomplete"); // the browser's own text says "failed to fetch"
  }
}

// readElement decodes the JSON of a data element. The element stays, so that the
// page can be saved.
async function readElement(id) {
  const data = await gunzip(fromBase64($(id).textContent.trim()));
  return JSON.parse(new TextDecoder().decode(data));
}

async function loadTrace() {
  const index = await readElement("data");
  if (index.format !== 1) throw new Error("the page has data of format " + index.format + ", but its program reads format 1");
  T = columns(index);
  T.services = services(T);
}

// loadAnalysis reads what the first rows do not need.
async function loadAnalysis() {
  await complete;
  if ($("analysis")) T.analysis = await readElement("analysis");
  for (const repeat of T.analysis?.repeated ?? []) repeat.ops = summedUp(repeat.ops);
  T.segments = null; // made when they are needed
  T.repeats = null;
}

// columns makes typed arrays of the index's columns, and derives depth, the end of
// each operation's subtree and the number of children. Operations are in
// depth-first order, so a subtree is the range [op, last[op]).
function columns(index) {
  const { ops } = index;
  const n = ops.parent.length;
  const t = { ...index, n, ids: fromBase64(index.ids), shown: new Array(index.strings.length) };
  for (const key of [
    "parent",
    "name",
    "service",
    "project",
    "host",
    "kind",
    "parentId",
    "detail",
    "exception",
    "status",
    "flags",
  ]) {
    t[key] = Int32Array.from(ops[key] ?? new Array(n).fill(0));
  }
  for (const key of ["self", "critical", "size"]) {
    t[key] = Float64Array.from(ops[key] ?? new Array(n).fill(0));
  }
  t.id = Int32Array.from(summedUp(ops.id));
  setTimes(t, ops);
  // The critical path is in corrected times where clocks differ.
  t.shift = ops.shift ? Float64Array.from(ops.shift) : null;
  t.call = ops.call ? Int32Array.from(ops.call) : null;
  t.depth = new Int32Array(n);
  t.last = new Int32Array(n);
  t.children = new Int32Array(n);
  t.deepest = 0;
  for (let i = 0; i < n; i++) {
    const p = t.parent[i];
    if (p >= 0) {
      t.depth[i] = t.depth[p] + 1;
      t.children[p]++;
      if (t.depth[i] > t.deepest) t.deepest = t.depth[i];
    }
    t.last[i] = i + 1;
  }
  for (let i = n - 1; i >= 0; i--) {
    const p = t.parent[i];
    if (p >= 0 && t.last[i] > t.last[p]) t.last[p] = t.last[i];
  }
  setExtent(t);
  t.ops = null;
  return t;
}

// setTimes sets the columns that the index has as differences.
function setTimes(t, ops) {
  t.begin = new Float64Array(t.n);
  t.end = new Float64Array(t.n);
  t.at = new Float64Array(t.n);
  let begin = 0;
  let at = 0;
  for (let i = 0; i < t.n; i++) {
    begin += ops.begin[i];
    t.begin[i] = begin / t.ticks;
    t.end[i] = (begin + ops.length[i]) / t.ticks;
    at += ops.at[i];
    t.at[i] = at;
    at += t.size[i];
  }
}

// summedUp returns a list of numbers of which the differences are given.
function summedUp(differences) {
  let sum = 0;
  return (differences ?? []).map((difference) => (sum += difference));
}

// setExtent sets the range of times that the page shows.
function setExtent(t) {
  let from = 0;
  let to = 0;
  let failed = 0;
  for (let i = 0; i < t.n; i++) {
    if (t.flags[i] & flag.failed) failed++;
    if (t.flags[i] & flag.noTime) continue;
    from = Math.min(from, t.begin[i], t.end[i]);
    to = Math.max(to, t.begin[i], t.end[i]);
  }
  t.from = from;
  t.to = to > from ? to : from + 1;
  t.failed = failed;
}

// services lists the services in order of first appearance, and numbers them for
// their colours.
function services(t) {
  const list = [];
  const byName = new Map();
  t.colour = new Uint16Array(t.n);
  for (let i = 0; i < t.n; i++) {
    let s = byName.get(t.service[i]);
    if (!s) {
      s = { text: t.service[i], colour: list.length, count: 0 };
      byName.set(t.service[i], s);
      list.push(s);
    }
    s.count++;
    t.colour[i] = s.colour;
  }
  return list;
}

// str returns a text of the trace; show the same as one line for display. A negative
// number is a UUID.
function str(text) {
  return text < 0 ? uuid(-1 - text) : (T.strings[text] ?? "");
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

// uuid writes the id with a number.
function uuid(number) {
  let text = "";
  for (let i = 0; i < 16; i++) text += (i === 4 || i === 6 || i === 8 || i === 10 ? "-" : "") + hexBytes[T.ids[16 * number + i]];
  return text;
}

function show(text) {
  return (T.shown[text] ??= visible(str(text)));
}

function serviceName(text) {
  return text ? show(text) : "no service";
}

// elapsed returns an operation's duration in µs, or NaN if it is not known.
function elapsed(op) {
  return T.flags[op] & half ? NaN : T.end[op] - T.begin[op];
}

function durationText(op) {
  const f = T.flags[op];
  if (f & flag.noTime) return "no time";
  if (f & flag.noStop) return "no stop";
  if (f & flag.noStart) return "no start";
  return duration(T.end[op] - T.begin[op]);
}
