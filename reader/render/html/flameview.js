"use strict";
// The flame graph: what it shows, and its mouse and keys.

const flame = {
  mode: "merged", // or "time"
  byTime: null,
  merged: null,
  frames: null, // one of the two
  from: 0, // the range of the merged form
  to: 1,
  at: -1, // the frame with the cursor
  found: null, // merged: which frames have a found operation
};

function initFlame() {
  on("view", (view) => view === "flame" && showFlame());
  on("zoom", perFrame(drawFlame));
  on("size", perFrame(drawFlame));
  on("theme", drawFlame);
  on("marks", () => ((flame.found = null), drawFlame()));
  on("rows", () => ((flame.found = null), drawFlame()));
  on("select", ({ op }) => state.view === "flame" && pointFlameAt(op));
  $("flame-merged").addEventListener("click", () => setFlameMode("merged"));
  $("flame-time").addEventListener("click", () => setFlameMode("time"));
  $("flame-reset").addEventListener("click", resetFlame);
  const scroll = $("flame-scroll");
  scroll.addEventListener("scroll", perFrame(drawFlame), { passive: true });
  const canvas = $("flame-canvas");
  canvas.addEventListener("keydown", flameKey);
  canvas.addEventListener("click", (event) => {
    const i = frameAt(event);
    if (zoomGesture.moved || i < 0) return;
    flame.at = i;
    select(flame.frames.op[i], { details: true });
    drawFlame();
  });
  canvas.addEventListener("dblclick", (event) => {
    const i = frameAt(event);
    if (i < 0) resetFlame();
    else zoomToFrame(i);
  });
  canvas.addEventListener("pointermove", (event) => {
    const i = frameAt(event);
    canvas.classList.toggle("over", i >= 0);
    describeFrame(i >= 0 ? i : flame.at);
  });
  attachZoom(canvas, {
    axis: () => ({ left: canvas.getBoundingClientRect().left, width: scroll.clientWidth }),
    range: flameRange,
    full: () => flame.frames.to - flame.frames.from,
    set: setFlameRange,
    contains: () => true,
  });
}

function showFlame() {
  if (!flame.frames) setFlameMode(flame.mode);
  else drawFlame();
  if (state.selected >= 0) pointFlameAt(state.selected);
}

function setFlameMode(mode) {
  flame.mode = mode;
  if (mode === "time") flame.byTime ??= framesByTime();
  else if (!flame.merged) {
    flame.merged = framesMerged();
    flame.to = flame.merged.to;
  }
  flame.frames = mode === "time" ? flame.byTime : flame.merged;
  flame.at = -1;
  flame.found = null;
  $("flame-merged").setAttribute("aria-pressed", mode === "merged");
  $("flame-time").setAttribute("aria-pressed", mode === "time");
  $("flame-note").textContent =
    mode === "merged"
      ? "Calls that differ only in their values are one frame. The width is the time in the operations themselves; parallel ones add up."
      : "From left to right in time, as in the tree.";
  $("flame-height").style.height = flame.frames.levels.length * frameHeight + "px";
  if (state.selected >= 0) pointFlameAt(state.selected);
  describeFrame(flame.at);
  drawFlame();
}

function flameRange() {
  return flame.mode === "time" ? { from: state.from, to: state.to } : { from: flame.from, to: flame.to };
}

function setFlameRange(from, to) {
  if (flame.mode === "time") return setRange(from, to);
  Object.assign(flame, clampRange(from, to, 0, flame.frames.to));
  emit("zoom");
}

function resetFlame() {
  setFlameRange(flame.frames.from, flame.frames.to);
}

function zoomToFrame(i) {
  setFlameRange(flame.frames.x0[i], flame.frames.x1[i]);
}

// pointFlameAt puts the cursor on the frame of an operation and shows its level.
function pointFlameAt(op) {
  if (!flame.frames) return;
  const i = flame.mode === "time" ? op : flame.merged.nodeOf[op];
  if (i === flame.at) return;
  flame.at = i;
  const { x0, x1 } = flame.frames;
  const { from, to } = flameRange();
  if (x1[i] < from || x0[i] > to) resetFlame();
  const box = $("flame-scroll");
  const y = flame.frames.level[i] * frameHeight;
  if (y < box.scrollTop || y + frameHeight > box.scrollTop + box.clientHeight) box.scrollTop = y - box.clientHeight / 2;
  describeFrame(i);
  drawFlame();
}

function frameAt(event) {
  if (!flame.frames) return -1;
  const box = $("flame-canvas").getBoundingClientRect();
  const level = Math.floor((event.clientY - box.top + $("flame-scroll").scrollTop) / frameHeight);
  const list = flame.frames.levels[level];
  if (!list) return -1;
  const { from, to } = flameRange();
  const time = from + ((event.clientX - box.left) / box.width) * (to - from);
  const slack = ((to - from) / box.width) * 1.5;
  for (let k = firstInView(list, time - slack); k < list.length; k++) {
    const i = list[k];
    if (flame.frames.x0[i] > time + slack) break;
    if (Math.max(flame.frames.x1[i], flame.frames.x0[i]) >= time - slack) return i;
  }
  return -1;
}

function frameLabel(i) {
  const { frames } = flame;
  const op = frames.op[i];
  const marks = (frames.flags[i] & flag.failed ? "✕ " : "") + (frames.count[i] > 1 ? "×" + frames.count[i] + " " : "");
  const p = frames.parent[i];
  const service = p < 0 || T.service[frames.op[p]] !== T.service[op] ? isolated(serviceName(T.service[op])) + " · " : "";
  return marks + service + isolated(show(T.name[op])) + (T.detail[op] ? "  " + isolated(show(T.detail[op])) : "");
}

function frameIsDim(i) {
  const { frames } = flame;
  if (!search.found && !tree.kept) return false;
  if (!flame.found) {
    flame.found = new Uint8Array(frames.n);
    for (let op = 0; op < T.n; op++) {
      const on = search.found ? search.found[op] : tree.kept[op] === 2;
      if (on) flame.found[flame.mode === "time" ? op : flame.merged.nodeOf[op]] = 1;
    }
  }
  return !flame.found[i];
}

// frameTextLong describes a frame in one sentence.
function frameTextLong(i) {
  const { frames } = flame;
  const op = frames.op[i];
  const whole = frames.to - frames.from;
  const time = frames.x1[i] - frames.x0[i];
  const parts = [serviceName(T.service[op]), show(T.name[op]), show(T.detail[op])].filter(Boolean).map(isolated).join(" · ");
  const marks = [
    frames.count[i] > 1 ? plural(frames.count[i], "operation") : "",
    duration(time) + " (" + percent(time, whole) + ")",
    "itself " + duration(frames.self[i]),
    frames.flags[i] & flag.failed ? "failed" : "",
    frames.flags[i] & flag.critical ? "on the critical path" : "",
  ];
  return { parts, marks: marks.filter(Boolean).join(", ") };
}

function describeFrame(i) {
  const tip = $("flame-tip");
  if (i < 0) {
    tip.textContent = "Point at a frame, or use the arrow keys.";
    return;
  }
  const { parts, marks } = frameTextLong(i);
  tip.replaceChildren(el("b", { text: marks }), " ", parts);
}

function flameKey(event) {
  const i = flame.at;
  const { frames } = flame;
  const key = event.key;
  let next = -1;
  if (key === "Enter" && i >= 0) zoomToFrame(i);
  else if (key === "Escape") resetFlame();
  else if (key === " " && i >= 0) select(frames.op[i], { details: true });
  else if (key === "ArrowUp" && i >= 0) next = frames.parent[i];
  else if (key === "ArrowDown") next = i < 0 ? (frames.levels[0]?.[0] ?? -1) : widestChild(i);
  else if (key === "ArrowLeft" || key === "ArrowRight") {
    const list = frames.levels[i < 0 ? 0 : frames.level[i]] ?? [];
    next = list[list.indexOf(i) + (key === "ArrowLeft" ? -1 : 1)] ?? -1;
  } else return;
  event.preventDefault();
  event.stopPropagation();
  if (next < 0) return;
  if (flame.mode === "time") select(frames.op[next]);
  else {
    state.selected = frames.op[next];
    flame.at = next;
    emit("select", { op: state.selected });
  }
  flame.at = next;
  const box = $("flame-scroll");
  const y = frames.level[next] * frameHeight;
  if (y < box.scrollTop || y + frameHeight > box.scrollTop + box.clientHeight) box.scrollTop = y - box.clientHeight / 2;
  describeFrame(next);
  const { parts, marks } = frameTextLong(next);
  announce("Level " + (frames.level[next] + 1) + ": " + parts + ", " + marks);
  drawFlame();
}

function widestChild(i) {
  const { frames } = flame;
  let best = -1;
  for (let level = frames.level[i] + 1; level < frames.levels.length && best < 0; level++) {
    for (const k of frames.levels[level]) {
      if (frames.parent[k] !== i) continue;
      if (best < 0 || frames.x1[k] - frames.x0[k] > frames.x1[best] - frames.x0[best]) best = k;
    }
  }
  return best;
}
