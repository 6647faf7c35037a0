"use strict";
// A reader of JSON as Python writes it. Numbers stay as written, repeated members
// stay, NaN and Infinity are read. A text that is no JSON gives null.
//
// A value is {kind, text | items | members}: kind is "string", "number", "word",
// "array" or "object". Members are [key, value] pairs in their order.

const deepestJSON = 200; // deeper values are shown as they are written

function parseJSON(source) {
  const input = { source, at: 0 };
  try {
    const value = jsonValue(input, 0);
    jsonSpace(input);
    return input.at === source.length ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function jsonSpace(input) {
  while (" \t\r\n".includes(input.source[input.at] ?? "x")) input.at++;
}

function jsonValue(input, depth) {
  jsonSpace(input);
  const start = input.at;
  const c = input.source[start];
  if (c === '"') return { kind: "string", text: jsonString(input) };
  if (c === "{" || c === "[") {
    if (depth < deepestJSON) return c === "{" ? jsonObject(input, depth) : jsonArray(input, depth);
    jsonSkip(input);
    return { kind: "word", text: input.source.slice(start, input.at) };
  }
  const token = /[-+.\w]+/y;
  token.lastIndex = start;
  const match = token.exec(input.source);
  if (!match) throw new SyntaxError("no value");
  input.at = token.lastIndex;
  const isNumber = /^-?[0-9]/.test(match[0]);
  if (!isNumber && !/^(true|false|null|NaN|-?Infinity)$/.test(match[0])) throw new SyntaxError("no word");
  return { kind: isNumber ? "number" : "word", text: match[0] };
}

// jsonString reads a string. Nearly all are read by the browser's own parser.
function jsonString(input) {
  const { source } = input;
  const start = input.at;
  let end = start + 1;
  for (;;) {
    end = source.indexOf('"', end);
    if (end < 0) throw new SyntaxError("open string");
    let slashes = 0;
    while (source[end - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) break;
    end++;
  }
  input.at = end + 1;
  const raw = source.slice(start, end + 1);
  // Python's parser takes raw control characters in strings if asked to.
  return JSON.parse(raw.replace(/[\u0000-\u001f]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")));
}

function jsonObject(input, depth) {
  const members = [];
  input.at++;
  jsonSpace(input);
  while (input.source[input.at] !== "}") {
    if (members.length > 0) jsonPunctuation(input, ",");
    jsonSpace(input);
    if (input.source[input.at] !== '"') throw new SyntaxError("no key");
    const key = jsonString(input);
    jsonPunctuation(input, ":");
    members.push([key, jsonValue(input, depth + 1)]);
    jsonSpace(input);
  }
  input.at++;
  return { kind: "object", members };
}

function jsonArray(input, depth) {
  const items = [];
  input.at++;
  jsonSpace(input);
  while (input.source[input.at] !== "]") {
    if (items.length > 0) jsonPunctuation(input, ",");
    items.push(jsonValue(input, depth + 1));
    jsonSpace(input);
  }
  input.at++;
  return { kind: "array", items };
}

function jsonPunctuation(input, char) {
  jsonSpace(input);
  if (input.source[input.at] !== char) throw new SyntaxError("no " + char);
  input.at++;
}

// withoutNames returns JSON texts in which the names of members are blank: the source, and
// after it the texts of the members "otel", which are JSON in strings.
function withoutNames(source) {
  const input = { source, at: 0 };
  const parts = [];
  const inner = [];
  let done = 0; // up to here the source is in the parts
  let isSpan = false; // the last name is "otel"
  for (;;) {
    const start = source.indexOf('"', input.at);
    if (start < 0) break;
    input.at = start;
    const text = jsonString(input);
    const end = input.at;
    jsonSpace(input);
    if (source[input.at] === ":") {
      parts.push(source.slice(done, start + 1), "\0");
      done = end - 1;
      isSpan = text === "otel";
    } else if (isSpan && /^\s*\{/.test(text)) {
      parts.push(source.slice(done, start + 1));
      done = end - 1;
      inner.push(...withoutNames(text));
      isSpan = false;
    }
  }
  return [parts.join("") + source.slice(done), ...inner];
}

// jsonSkip goes behind an array or object without building it.
function jsonSkip(input) {
  let open = 0;
  do {
    const c = input.source[input.at];
    if (c === undefined) throw new SyntaxError("open value");
    if (c === '"') {
      jsonString(input);
      continue;
    }
    if (c === "{" || c === "[") open++;
    if (c === "}" || c === "]") open--;
    input.at++;
  } while (open > 0);
}

// jsonGet returns a member of an object, the last of several, or undefined.
function jsonGet(value, key) {
  if (value?.kind !== "object") return undefined;
  return value.members.findLast(([name]) => name === key)?.[1];
}

// jsonText returns a value as plain text: a string without quotes, anything else
// as JSON.
function jsonText(value) {
  if (value === undefined || value === null) return "";
  return value.kind === "string" ? value.text : jsonWrite(value, "");
}

// jsonWrite writes a value as indented JSON.
function jsonWrite(value, indent) {
  const deeper = indent + "  ";
  const list = (open, parts, close) =>
    parts.length === 0 ? open + close : open + "\n" + deeper + parts.join(",\n" + deeper) + "\n" + indent + close;
  switch (value.kind) {
    case "string":
      return JSON.stringify(value.text);
    case "object":
      return list(
        "{",
        value.members.map(([key, v]) => JSON.stringify(key) + ": " + jsonWrite(v, deeper)),
        "}",
      );
    case "array":
      return list(
        "[",
        value.items.map((v) => jsonWrite(v, deeper)),
        "]",
      );
    default:
      return value.text;
  }
}
