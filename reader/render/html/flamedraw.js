"use strict";
// The drawing of the flame graph: only the levels and frames in view.

const frameHeight = 20;

// drawFlame draws the frames that the view shows.
function drawFlame() {
  if (state.view !== "flame" || !flame.frames) return;
  const canvas = $("flame-canvas");
  const box = $("flame-scroll");
  const scale = window.devicePixelRatio || 1;
  const width = box.clientWidth;
  const height = box.clientHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
  }
  const c = canvas.getContext("2d");
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  const pen = newPen(c, width);
  const { frames } = flame;
  const first = Math.floor(box.scrollTop / frameHeight);
  const last = Math.min(frames.levels.length - 1, Math.ceil((box.scrollTop + height) / frameHeight));
  for (let level = first; level <= last; level++) drawLevel(pen, level, level * frameHeight - box.scrollTop);
  if (flame.at >= 0) outline(pen, flame.at, box.scrollTop);
}

function newPen(c, width) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  c.font = "11px " + (style.getPropertyValue("--font") || "sans-serif");
  c.textBaseline = "middle";
  const { from, to } = flameRange();
  return {
    c,
    width,
    from,
    perTime: width / (to - from),
    colours: palette(),
    on: colour("--on-bar"),
    fg: colour("--fg"),
    bg: colour("--bg"),
    dim: colour("--dim-bar"),
    dimText: colour("--dim-text"),
    failed: colour("--failed"),
    failedBack: colour("--failed-bg"),
  };
}

// drawLevel draws one level. Frames within the same pixel are drawn once.
function drawLevel(pen, level, y) {
  const { frames } = flame;
  const list = frames.levels[level];
  const dims = search.found !== null || tree.kept !== null;
  let done = -1;
  for (let k = firstInView(list, pen.from); k < list.length; k++) {
    const i = list[k];
    const x0 = (frames.x0[i] - pen.from) * pen.perTime;
    if (x0 > pen.width) break;
    const x1 = (frames.x1[i] - pen.from) * pen.perTime;
    // A found frame is drawn even where it has no pixel of its own.
    const found = dims && !frameIsDim(i);
    if (x1 < done + 0.5 && i !== flame.at && !found) continue;
    const left = Math.max(x0, 0);
    const right = Math.min(Math.max(x1, x0 + 1), pen.width);
    if (right < 0) continue;
    done = Math.max(done, right);
    drawFrame(pen, i, left, right - left, y);
  }
}

// firstInView returns where the frames in view begin in a level. Frames of one
// level do not overlap but where there were too many levels.
function firstInView(list, from) {
  const { frames } = flame;
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames.x1[list[middle]] < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function drawFrame(pen, i, x, width, y) {
  const { c } = pen;
  const { frames } = flame;
  const op = frames.op[i];
  const f = frames.flags[i];
  const dim = frameIsDim(i);
  const h = frameHeight - 1;
  const w = width > 2 ? width - 0.75 : width;
  const open = frames.count[i] === 1 && (f & half) !== 0;
  const colour = dim ? pen.dim : pen.colours[T.colour[op] % 8];
  c.fillStyle = open ? fading(pen, colour, x, w, f) : colour;
  c.fillRect(x, y, w, h);
  if (f & flag.failed) hatch(pen, x, y, w, h);
  if (f & flag.critical && !dim && width > 3) {
    c.fillStyle = pen.fg;
    c.fillRect(x, y + h - 3, w, 3);
  }
  if (width > 24) frameText(pen, i, x + 5, y + h / 2, width - 9, dim, open);
}

// fading returns the fill of an operation with an open end.
function fading(pen, colour, x, w, f) {
  const fill = pen.c.createLinearGradient(x, 0, x + w, 0);
  fill.addColorStop(0, f & flag.noStart ? pen.bg : colour);
  fill.addColorStop(1, f & flag.noStart ? colour : pen.bg);
  return fill;
}

// hatch marks a failed frame as in the tree, so that it is seen without colour.
function hatch(pen, x, y, w, h) {
  const { c } = pen;
  c.fillStyle = pen.failedBack;
  c.fillRect(x, y, w, h);
  c.save();
  c.beginPath();
  c.rect(x, y, w, h);
  c.clip();
  c.strokeStyle = pen.failed;
  c.lineWidth = 2.5;
  c.beginPath();
  const step = 8;
  for (let at = Math.floor((x - h) / step) * step; at < x + Math.min(w, 4000); at += step) {
    c.moveTo(at, y + h);
    c.lineTo(at + h, y);
  }
  c.stroke();
  c.strokeRect(x + 1, y + 1, w - 2, h - 2);
  c.restore();
}

function frameText(pen, i, x, y, room, dim, open) {
  const { c } = pen;
  let text = frameLabel(i);
  const full = c.measureText(text).width;
  if (full > room) {
    const fits = Math.floor((text.length * room) / full) - 1;
    if (fits < 2) return;
    text = text.slice(0, fits) + "…";
  }
  // Text on a pattern has a plain ground.
  if (open || flame.frames.flags[i] & flag.failed) {
    c.fillStyle = dim ? pen.dim : pen.colours[T.colour[flame.frames.op[i]] % 8];
    c.fillRect(x - 2, y - 7, Math.min(c.measureText(text).width, room) + 4, 14);
  }
  c.fillStyle = dim ? pen.dimText : pen.on;
  c.fillText(text, x, y);
}

function outline(pen, i, scrollTop) {
  const { frames } = flame;
  const x = (frames.x0[i] - pen.from) * pen.perTime;
  const w = Math.max((frames.x1[i] - frames.x0[i]) * pen.perTime, 3);
  const left = Math.max(x, 1);
  const right = Math.min(x + w, pen.width - 1);
  if (right < left) return;
  const y = frames.level[i] * frameHeight - scrollTop;
  pen.c.lineWidth = 3;
  pen.c.strokeStyle = pen.bg;
  pen.c.strokeRect(left - 1, y - 1, right - left + 2, frameHeight + 1);
  pen.c.lineWidth = 2;
  pen.c.strokeStyle = pen.fg;
  pen.c.strokeRect(left, y, right - left, frameHeight - 1);
}
