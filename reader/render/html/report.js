"use strict";
// The saved report inside the page. It is cut into chunks, each compressed by
// itself, so that the details of one operation cost one or two chunks.

const mostCached = 8;
const chunkCache = new Map(); // number -> promise of bytes, the newest last
let chunkLines = null; // the base64 lines

async function reportLines() {
  if (!chunkLines) {
    await complete;
    const text = $("report")?.textContent.trim() ?? "";
    chunkLines = text ? text.split("\n") : [];
  }
  return chunkLines;
}

function reportChunk(number) {
  let chunk = chunkCache.get(number);
  if (chunk) {
    chunkCache.delete(number);
  } else {
    chunk = decodeChunk(number);
    if (chunkCache.size >= mostCached) chunkCache.delete(chunkCache.keys().next().value);
  }
  chunkCache.set(number, chunk);
  return chunk;
}

async function decodeChunk(number) {
  const line = (await reportLines())[number];
  if (line === undefined) throw new Error("the page has no chunk " + number + " of the report");
  return gunzip(fromBase64(line));
}

// infoText returns the JSON text of an operation's info.
async function infoText(op) {
  const from = T.at[op];
  const to = from + T.size[op];
  const size = T.report.chunk;
  const out = new Uint8Array(to - from);
  for (let n = Math.floor(from / size); n * size < to; n++) {
    const chunk = await reportChunk(n);
    const start = Math.max(from, n * size);
    out.set(chunk.subarray(start - n * size, Math.min(to - n * size, chunk.length)), start - from);
  }
  return new TextDecoder().decode(out);
}

// notificationsOf splits an operation's info into its notifications.
function notificationsOf(info) {
  const prefix = "meta.raw_payload.";
  const found = [];
  if (info?.kind !== "object") return found;
  for (const [key, value] of info.members) {
    if (key.startsWith(prefix)) found.push({ key: key.slice(prefix.length), value });
  }
  return found;
}
