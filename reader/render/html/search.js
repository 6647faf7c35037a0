"use strict";
// The search. Names, descriptions and ids are searched at once. All other texts of
// the report are searched in the background.

const search = {
  text: "",
  found: null, // null, or Uint8Array: 1 for the operations found
  ops: [], // the operations found, in order
  at: -1, // which of them was gone to
  run: 0, // the number of the search; an older one ends
  busy: false,
};

function initSearch() {
  const input = $("search-text");
  input.addEventListener("input", debounce(120, startSearch));
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    nextFound(1);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      nextFound(-1);
    }
    if (event.key === "Escape") {
      event.stopPropagation();
      if (input.value) {
        input.value = "";
        startSearch();
      } else focusView();
    }
  });
  $("search-next").append(icon("down"));
  $("search-previous").append(icon("up"));
  $("search-next").addEventListener("click", () => nextFound(1));
  $("search-previous").addEventListener("click", () => nextFound(-1));
  showCount();
}

const isFound = (op) => search.found !== null && search.found[op] === 1;

// formsOf returns a text as it is, and as JSON and JSON in JSON write it. A text with a
// backslash is never in JSON as it is.
function formsOf(text) {
  const escaped = (string) => JSON.stringify(string).slice(1, -1);
  const json = escaped(text);
  const ascii = json.replace(/[\u0080-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  const forms = [json, ascii, escaped(ascii), escaped(json)];
  return [...new Set(text.includes("\\") ? forms : [text, ...forms])];
}

// pattern matches all forms of a text.
function pattern(text) {
  const forms = formsOf(text).map((form) => form.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  return new RegExp(forms.join("|"), "giu");
}

// longestForm returns how long the longest form in the pattern of a text is.
function longestForm(text) {
  return Math.max(...formsOf(text).map((form) => form.length));
}

async function startSearch() {
  const text = $("search-text").value;
  if (text === search.text) return;
  const run = ++search.run;
  search.text = text;
  search.at = -1;
  if (!text.trim()) {
    search.found = null;
    search.ops = [];
    search.busy = false;
    return publish();
  }
  search.found = new Uint8Array(T.n);
  search.busy = true;
  searchIndex(text);
  publish();
  try {
    await searchReport(text, run);
  } catch (error) {
    if (run === search.run) announce("The report cannot be searched: " + error.message);
  }
  if (run !== search.run) return;
  search.busy = false;
  publish();
  announce(search.ops.length === 0 ? "Nothing found." : plural(search.ops.length, "operation") + " found.");
}

// searchIndex searches each text of the index once.
function searchIndex(text) {
  const wanted = text.toLowerCase();
  const mayBeID = /^[0-9a-f-]+$/.test(wanted);
  const hit = new Uint8Array(T.strings.length);
  for (let i = 1; i < hit.length; i++) hit[i] = T.strings[i].toLowerCase().includes(wanted) ? 1 : 0;
  const columns = [T.name, T.service, T.project, T.host, T.detail, T.exception];
  for (let op = 0; op < T.n; op++) {
    for (const column of columns) {
      if (hit[column[op]]) {
        search.found[op] = 1;
        break;
      }
    }
    if (!search.found[op] && (T.id[op] < 0 ? mayBeID && uuid(-1 - T.id[op]).includes(wanted) : hit[T.id[op]])) search.found[op] = 1;
  }
}

// searchReport searches the operations' infos chunk by chunk. A piece of the chunk
// before is kept, so that a text over the border of two chunks is found. Hits that may be
// names of members are looked at again, in the whole info.
async function searchReport(text, run) {
  const order = Uint32Array.from({ length: T.n }, (_, i) => i).sort((a, b) => T.at[a] - T.at[b]);
  const lines = await reportLines();
  const re = pattern(text);
  const decoder = new TextDecoder("latin1");
  const asBytes = pattern(latin1(text));
  const overlap = 2 * Math.max(longestForm(text), longestForm(latin1(text))) + keyLength;
  let before = "";
  for (let n = 0; n < lines.length; n++) {
    const chunk = await reportChunk(n);
    if (run !== search.run) return;
    // The bytes are read as Latin-1, so that a position is a position in the report.
    const piece = before + decoder.decode(chunk);
    const start = n * T.report.chunk - before.length;
    const doubtful = new Set();
    for (const wanted of asBytes.source === re.source ? [re] : [asBytes, re])
      markHits(piece, wanted, start, order, n === lines.length - 1, doubtful);
    for (const op of doubtful) {
      if (search.found[op]) continue;
      if (await isInValues(op, re)) search.found[op] = 1;
      if (run !== search.run) return;
    }
    before = piece.slice(-overlap);
    if (n % 4 === 3) {
      publish();
      await new Promise((resolve) => setTimeout(resolve));
      if (run !== search.run) return;
    }
  }
}

// latin1 writes the UTF-8 bytes of a text as characters. "windows-1252", which
// browsers take for Latin-1, has other characters for 0x80 to 0x9f.
function latin1(text) {
  return new TextDecoder("latin1").decode(new TextEncoder().encode(text));
}

const keyLength = 300; // bytes behind a hit that are looked at for the end of a string

// isCertainlyValue reports whether a hit is no name of a member, by what is behind it. A
// string that is not a name ends with a quotation mark without a colon. JSON inside of a
// string, and strings with escaped quotation marks, are not certain.
function isCertainlyValue(hit, rest) {
  if (hit.endsWith('"') && /^\s*:/.test(rest)) return false;
  const mark = rest.indexOf('"');
  const before = mark > 0 ? rest[mark - 1] : hit[hit.length - 1];
  return mark >= 0 && before !== "\\" && !/^\s*:/.test(rest.slice(mark + 1));
}

// isInValues reports whether a pattern matches in an operation's info without the names
// of members.
async function isInValues(op, wanted) {
  const text = await infoText(op);
  try {
    return withoutNames(text).some((part) => part.search(wanted) >= 0);
  } catch (error) {
    if (error instanceof SyntaxError) return text.search(wanted) >= 0; // no JSON
    throw error;
  }
}

// markHits marks the operations with a hit in a piece of the report, and lists those of
// which all hits may be names. A hit at the end of the piece is left to the next piece,
// which begins before it.
function markHits(piece, wanted, start, order, isLast, doubtful) {
  wanted.lastIndex = 0;
  for (let match = wanted.exec(piece); match; match = wanted.exec(piece)) {
    const end = match.index + match[0].length;
    if (!isLast && end + keyLength > piece.length) break;
    const rest = piece.slice(end, end + keyLength);
    const op = opAtByte(start + match.index, order);
    if (op < 0) continue;
    if (isCertainlyValue(match[0], rest)) search.found[op] = 1;
    else doubtful.add(op);
    // The rest of this operation's info need not be searched.
    if (!search.found[op]) continue;
    wanted.lastIndex = Math.max(wanted.lastIndex, Math.min(T.at[op] + T.size[op] - start, piece.length));
  }
}

// opAtByte returns the operation whose info is at a byte of the report, or -1.
function opAtByte(byte, order) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (T.at[order[middle]] <= byte) low = middle + 1;
    else high = middle;
  }
  const op = low > 0 ? order[low - 1] : -1;
  return op >= 0 && byte < T.at[op] + T.size[op] ? op : -1;
}

// publish lists the found operations and shows them.
function publish() {
  const ops = [];
  if (search.found) for (let op = 0; op < T.n; op++) if (search.found[op]) ops.push(op);
  const current = search.ops[search.at];
  search.ops = ops;
  search.at = current === undefined ? -1 : ops.indexOf(current);
  showCount();
  emit("marks");
}

function showCount() {
  const { ops, at, found, busy } = search;
  const text = !found
    ? ""
    : busy
      ? count(ops.length) + " …"
      : at >= 0
        ? count(at + 1) + " of " + count(ops.length)
        : ops.length === 0
          ? "none"
          : count(ops.length);
  $("search-count").textContent = text;
  $("search-count").dataset.found = found ? ops.length : "";
  $("search-count").dataset.busy = busy ? "yes" : "no";
  for (const id of ["search-next", "search-previous"]) $(id).disabled = ops.length === 0;
}

// nextFound goes to the next or previous found operation from the cursor.
function nextFound(step) {
  if ($("search-text").value !== search.text) startSearch();
  const { ops } = search;
  if (ops.length === 0) return announce(search.text ? "Nothing found." : "There is no search.");
  if (search.at < 0) {
    const from = state.selected;
    const after = ops.findIndex((op) => op >= from);
    search.at = step > 0 ? Math.max(after, 0) : (after <= 0 ? ops.length : after) - 1;
  } else search.at = (search.at + step + ops.length) % ops.length;
  // Operations that the filters show come first.
  for (let k = 0; tree.kept && k < ops.length && !tree.kept[ops[search.at]]; k++)
    search.at = (search.at + step + ops.length) % ops.length;
  select(ops[search.at], { reveal: true });
  showCount();
  announce(count(search.at + 1) + " of " + count(ops.length) + ": " + rowTitle(ops[search.at]));
}
