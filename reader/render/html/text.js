"use strict";
// Texts for people: durations, times of day, numbers, and texts of the trace with
// their invisible characters made visible.

// unseen matches characters that show nothing or change the order of others:
// controls (but tab and line feed), soft hyphen, zero-width, bidi, tags.
const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;

function codePoint(char) {
  return "U+" + char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
}

// visible returns a text on one line, with codes for invisible characters.
function visible(text) {
  return text
    .replace(/\r\n?|\n/g, "↵")
    .replace(/\t/g, " ")
    .replace(unseen, (char) => "⟨" + codePoint(char) + "⟩");
}

const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

// isolated keeps the direction of right-to-left writing from changing the text
// around it, where there are no elements.
function isolated(text) {
  return rightToLeft.test(text) ? "\u2068" + text + "\u2069" : text;
}

// appendText appends a text of the trace to a node, isolated from the text around
// it. Lines are kept. Invisible characters become marks.
function appendText(node, text) {
  const bdi = el("bdi");
  let end = 0;
  for (const match of text.matchAll(unseen)) {
    if (match.index > end) bdi.append(text.slice(end, match.index));
    bdi.append(el("span", { class: "code-point", text: codePoint(match[0]), title: "an invisible character" }));
    end = match.index + match[0].length;
  }
  bdi.append(text.slice(end));
  node.append(bdi);
  return node;
}

// traceText makes an element with a text of the trace on one line.
function traceText(tag, text, props) {
  return el(tag, props, el("bdi", { text: visible(text) }));
}

const minus = "\u2212";
const narrow = "\u202f"; // a narrow no-break space between number and unit

// digits writes a number with three significant digits.
function digits(x) {
  if (x >= 100 || x === 0) return String(Math.round(x));
  return x.toFixed(x >= 9.995 ? 1 : 2);
}

// duration writes microseconds in the unit that suits them.
function duration(us) {
  if (us < 0) return minus + duration(-us);
  if (us === 0) return "0" + narrow + "µs";
  if (us < 0.9995) return digits(us * 1000) + narrow + "ns";
  if (us < 999.5) return (Number.isInteger(us) ? us : digits(us)) + narrow + "µs";
  if (us < 999500) return digits(us / 1000) + narrow + "ms";
  if (us < 59.995e6) return digits(us / 1e6) + narrow + "s";
  const seconds = Math.round(us / 1e6);
  const two = (n) => String(n).padStart(2, "0");
  if (seconds < 3600) return Math.floor(seconds / 60) + narrow + "min " + two(seconds % 60) + narrow + "s";
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return Math.floor(minutes / 60) + narrow + "h " + two(minutes % 60) + narrow + "min";
  const hours = Math.round(minutes / 60);
  return Math.floor(hours / 24) + narrow + "d " + (hours % 24) + narrow + "h";
}

// parseDuration reads what a person types: "10 ms", "1.5s", "200us"; a number
// alone is milliseconds. It returns microseconds, or NaN.
function parseDuration(text) {
  const match = /^\s*([0-9]*[.,]?[0-9]+)\s*(ns|us|µs|μs|ms|s|min|m|h)?\s*$/i.exec(text);
  if (!match) return NaN;
  const units = { ns: 0.001, us: 1, µs: 1, μs: 1, ms: 1e3, s: 1e6, min: 60e6, m: 60e6, h: 3600e6 };
  return Number(match[1].replace(",", ".")) * units[(match[2] ?? "ms").toLowerCase()];
}

function count(n) {
  return n.toLocaleString("en-US");
}

// countOf writes how many of all a list has.
function countOf(listed, all) {
  return all > listed ? count(listed) + " of " + count(all) : count(listed);
}

function plural(n, one, many) {
  return count(n) + "\u00a0" + (n === 1 ? one : (many ?? one + "s"));
}

function percent(part, whole) {
  if (!(whole > 0)) return "";
  const p = (100 * part) / whole;
  return (p > 0 && p < 0.1 ? "<0.1" : p < 9.95 ? p.toFixed(1) : Math.round(p)) + narrow + "%";
}

function bytes(n) {
  if (n < 1000) return n + narrow + "B";
  if (n < 999500) return digits(n / 1000) + narrow + "kB";
  return digits(n / 1e6) + narrow + "MB";
}

// timeOfDay writes microseconds since 1970 to the microsecond, in UTC or in the
// reader's zone.
function timeOfDay(us, local) {
  const ms = Math.floor(us / 1000);
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "";
  const fraction = String(Math.floor(us - Math.floor(us / 1e6) * 1e6)).padStart(6, "0");
  const zone = local ? -date.getTimezoneOffset() : 0;
  const shifted = new Date(ms + zone * 60000).toISOString();
  const text =
    shifted.slice(0, shifted.indexOf("T")) + " " + shifted.slice(shifted.indexOf("T") + 1).slice(0, 8) + "." + fraction;
  return text + " " + (local ? offset(zone) : "UTC");
}

function offset(minutes) {
  const two = (n) => String(n).padStart(2, "0");
  const size = Math.abs(minutes);
  return (minutes < 0 ? minus : "+") + two(Math.floor(size / 60)) + ":" + two(size % 60);
}
