"use strict";
// The layout of the flame graph. Frames are columns of numbers, and lists of frames
// by level, from left to right.
//
// In order of time, a frame is an operation. Operations that run at the same time
// are on different levels. Merged, a frame is all operations with one description
// below one frame; its width is their self time with that of everything below, so
// that the widths of frames below never exceed it.

function newFrames(n) {
  return {
    n,
    x0: new Float64Array(n),
    x1: new Float64Array(n),
    level: new Int32Array(n),
    parent: new Int32Array(n).fill(-1),
    op: new Int32Array(n),
    count: new Int32Array(n),
    flags: new Int32Array(n),
    self: new Float64Array(n),
    levels: [],
    from: 0,
    to: 1,
  };
}

// fillLevels lists the frames of each level from left to right.
function fillLevels(frames, order) {
  for (const i of order) (frames.levels[frames.level[i]] ??= []).push(i);
  for (let level = 0; level < frames.levels.length; level++) {
    const list = (frames.levels[level] ??= []);
    if (list.some((frame, k) => k > 0 && frames.x0[list[k - 1]] > frames.x0[frame]))
      list.sort((a, b) => frames.x0[a] - frames.x0[b]);
  }
}

const mostLanes = 400; // levels that are tried for one operation

function framesByTime() {
  const frames = newFrames(T.n);
  const begin = new Float64Array(T.n); // not before the parent's
  for (let op = 0; op < T.n; op++) {
    const { from, to } = barTimes(op);
    frames.x0[op] = T.flags[op] & flag.noTime ? T.from : from;
    frames.x1[op] = T.flags[op] & flag.noTime ? T.from : to;
    frames.parent[op] = T.parent[op];
    frames.op[op] = op;
    frames.count[op] = 1;
    frames.flags[op] = T.flags[op];
    frames.self[op] = T.self[op];
    begin[op] = T.parent[op] >= 0 ? Math.max(frames.x0[op], begin[T.parent[op]]) : frames.x0[op];
  }
  const order = Uint32Array.from({ length: T.n }, (_, i) => i).sort((a, b) => begin[a] - begin[b] || a - b);
  const free = []; // per level, the time from which it is free
  for (const op of order) {
    const p = T.parent[op];
    const least = p >= 0 ? frames.level[p] + 1 : 0;
    let level = least;
    while (free[level] > frames.x0[op] && level < least + mostLanes) level++;
    frames.level[op] = level;
    free[level] = Math.max(free[level] ?? -Infinity, frames.x1[op]);
  }
  fillLevels(frames, order);
  frames.from = T.from;
  frames.to = T.to;
  return frames;
}

function framesMerged() {
  const nodeOf = new Int32Array(T.n);
  const nodes = [];
  const known = new Map();
  for (let op = 0; op < T.n; op++) {
    const p = T.parent[op] >= 0 ? nodeOf[T.parent[op]] : -1;
    const key = p + "/" + T.call[op]; // service and name are the same for equal calls
    let at = known.get(key);
    if (at === undefined) {
      at = nodes.length;
      known.set(key, at);
      nodes.push({ parent: p, op, count: 0, self: 0, total: 0, flags: 0, longest: -1, children: [] });
      if (p >= 0) nodes[p].children.push(at);
    }
    nodeOf[op] = at;
    const node = nodes[at];
    node.count++;
    node.self += Math.max(T.self[op], 0);
    node.flags |= T.flags[op];
    if (T.self[op] > node.longest) {
      node.longest = T.self[op];
      node.op = op;
    }
  }
  return { ...placeMerged(nodes), nodeOf };
}

// placeMerged gives the nodes their places, the widest first.
function placeMerged(nodes) {
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    node.total += node.self;
    if (node.parent >= 0) nodes[node.parent].total += node.total;
    node.children.sort((a, b) => nodes[b].total - nodes[a].total);
  }
  const frames = newFrames(nodes.length);
  const order = [];
  const next = nodes
    .map((_, i) => i)
    .filter((i) => nodes[i].parent < 0)
    .sort((a, b) => nodes[b].total - nodes[a].total);
  let x = 0;
  for (const root of next) {
    frames.x0[root] = x;
    x += nodes[root].total;
  }
  for (let k = 0; k < next.length; k++) {
    const i = next[k];
    const node = nodes[i];
    order.push(i);
    frames.x1[i] = frames.x0[i] + node.total;
    frames.parent[i] = node.parent;
    frames.level[i] = node.parent >= 0 ? frames.level[node.parent] + 1 : 0;
    frames.op[i] = node.op;
    frames.count[i] = node.count;
    frames.flags[i] = node.flags;
    frames.self[i] = node.self;
    let at = frames.x0[i];
    for (const child of node.children) {
      frames.x0[child] = at;
      at += nodes[child].total;
      next.push(child);
    }
  }
  fillLevels(frames, order);
  frames.to = x > 0 ? x : 1;
  return frames;
}
