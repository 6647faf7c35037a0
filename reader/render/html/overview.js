"use strict";
// The overview above the views: the whole trace in little, with the part that the
// timeline shows. A drag selects a part; a drag of the part moves it.

const overview = { picture: null, width: 0, height: 44 };

function initOverview() {
  on("zoom", placeWindow);
  on("size", drawOverview);
  on("theme", drawOverview);
  const box = $("overview");
  let drag = null;
  box.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const time = overviewTime(event);
    const inside = isZoomed() && time > state.from && time < state.to;
    drag = { time, inside, from: state.from, to: state.to };
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const time = overviewTime(event);
    if (drag.inside) setRange(drag.from + time - drag.time, drag.to + time - drag.time);
    else if (Math.abs(time - drag.time) * overview.width > 3 * (T.to - T.from))
      setRange(Math.min(time, drag.time), Math.max(time, drag.time));
  });
  for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => (drag = null));
  box.addEventListener("dblclick", zoomAll);
}

function overviewTime(event) {
  const box = $("overview").getBoundingClientRect();
  const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  return T.from + share * (T.to - T.from);
}

// drawOverview draws each operation as a line of its service's colour. The picture
// is made of pixels, since it may show very many operations.
function drawOverview() {
  const canvas = $("overview-canvas");
  const scale = window.devicePixelRatio || 1;
  overview.width = canvas.clientWidth;
  const w = Math.max(1, Math.round(canvas.clientWidth * scale));
  const h = Math.max(1, Math.round(canvas.clientHeight * scale));
  canvas.width = w;
  canvas.height = h;
  const levels = Math.min(T.deepest + 1, 22);
  const line = Math.max(1, Math.floor((h - 4) / levels));
  const drawn = new Uint8Array(w * levels); // the colour of each pixel of each level, plus 1
  const perTime = w / (T.to - T.from);
  for (let op = T.n - 1; op >= 0; op--) {
    if (T.flags[op] & flag.noTime) continue;
    drawLine(drawn, op, T.depth[op] % levels, w, perTime);
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(w, h);
  const colours = paletteBytes();
  const pixels = new Uint32Array(image.data.buffer);
  const thick = line > 2 ? line - 1 : line;
  for (let level = 0; level < levels; level++) {
    for (let dy = 0; dy < thick; dy++) {
      const y = 2 + level * line + dy;
      if (y >= h) break;
      for (let x = 0; x < w; x++) {
        const c = drawn[level * w + x];
        if (c) pixels[y * w + x] = colours[c - 1];
      }
    }
  }
  context.putImageData(image, 0, 0);
  placeWindow();
}

function drawLine(drawn, op, level, w, perTime) {
  const { from, to } = T.flags[op] & half ? { from: T.begin[op], to: T.end[op] } : barTimes(op);
  const x0 = Math.min(w - 1, Math.max(0, Math.floor((from - T.from) * perTime)));
  const x1 = Math.min(w - 1, Math.max(x0, Math.ceil((to - T.from) * perTime) - 1));
  const c = T.flags[op] & flag.failed ? 9 : 1 + (T.colour[op] % 8);
  const base = level * w;
  if (drawn[base + x0] === 9 && x0 === x1) return;
  drawn.fill(c, base + x0, base + x1 + 1);
}

// paletteBytes returns the services' colours and that of failures as pixels.
function paletteBytes() {
  return palette().map((colour) => {
    const n = parseInt(colour.slice(1), 16);
    return (0xff000000 | ((n & 0xff) << 16) | (n & 0xff00) | (n >> 16)) >>> 0;
  });
}

// palette returns the services' colours, and that of failures last, as #rrggbb.
function palette() {
  const style = getComputedStyle(document.documentElement);
  return ["--c0", "--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7", "--failed"].map((name) =>
    style.getPropertyValue(name).trim(),
  );
}

function placeWindow() {
  const box = $("overview-window");
  box.hidden = !isZoomed();
  const share = (time) => ((time - T.from) / (T.to - T.from)) * 100;
  box.style.left = share(state.from) + "%";
  box.style.width = Math.max(share(state.to) - share(state.from), 0.2) + "%";
}
