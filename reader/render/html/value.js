"use strict";
// How values of the trace are shown: as text, cut if long, each with a button that
// copies the whole of it.

const mostShown = 1500; // characters of a text before "Show all"
const mostMembers = 200; // members of an object or array before "Show all"

// fields makes a list of names and values. An entry is [name, value, options].
function fields(entries) {
  const list = el("dl", { class: "fields" });
  for (const [name, value, options] of entries) {
    if (value === undefined || value === null || value === "") continue;
    list.append(field(name, value, options));
  }
  return list;
}

// field makes one line: the name, the value and the button.
function field(name, value, { copy = value, plain = false } = {}) {
  const dd = el("dd");
  if (value instanceof Node) dd.append(value);
  else if (typeof value === "object") dd.append(jsonNode(value));
  else dd.append(plain ? document.createTextNode(value) : textNode(value));
  const text = typeof copy === "string" ? copy : copy && !(copy instanceof Node) ? () => jsonText(copy) : null;
  if (text) dd.append(copyButton(visible(name).slice(0, 60), text));
  return el("div", { class: "field-line" }, el("dt", {}, el("bdi", { text: visible(name) })), dd);
}

// textNode shows a text, as a block if it is long, with "Show all" if it is very
// long.
function textNode(text) {
  if (text === "") return el("span", { class: "faint", text: "(empty)" });
  const block = text.length > 80 || text.includes("\n");
  const node = el(block ? "pre" : "span", { class: block ? "block" : "plain" });
  if (text.length <= mostShown + 200) {
    appendLinked(node, text);
    return node;
  }
  node.append(appendText(el("span"), cutText(text, mostShown)), "…");
  const button = el(
    "button",
    {
      type: "button",
      class: "show-all",
      onclick: () => {
        node.replaceChildren();
        appendText(node, text);
        node.tabIndex = 0;
        node.focus();
        button.remove();
      },
    },
    "Show all (" + count(text.length) + " characters)",
  );
  return el("div", {}, node, button);
}

// cutText cuts a text without splitting a pair of surrogates.
function cutText(text, length) {
  const code = text.charCodeAt(length - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? length - 1 : length);
}

// appendLinked appends a text. A text that is a web address becomes a link; no
// other address is ever one.
function appendLinked(node, text) {
  if (!/^https?:\/\/[^\s\u0000-\u0020<>"]+$/i.test(text) || text.search(unseen) >= 0) return appendText(node, text);
  let url;
  try {
    url = new URL(text);
  } catch {
    return appendText(node, text);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return appendText(node, text);
  const link = el("a", { href: url.href, rel: "noopener noreferrer nofollow", target: "_blank", referrerpolicy: "no-referrer" });
  node.append(appendText(link, text));
  return node;
}

// listed makes a list of at most so many nodes, with a button that shows the rest.
function listed(list, items, most, make) {
  list.append(...items.slice(0, most).map(make));
  if (items.length <= most) return list;
  const button = el(
    "button",
    {
      type: "button",
      class: "show-all",
      onclick: () => {
        list.append(...items.slice(most).map(make));
        button.remove();
      },
    },
    count(most) + " of " + count(items.length) + ": show all",
  );
  return el("div", {}, list, button);
}

// jsonNode shows a JSON value: objects and arrays as nested lists.
function jsonNode(value) {
  switch (value.kind) {
    case "string":
      return textNode(value.text);
    case "object":
      return members(value.members, "{}");
    case "array":
      return members(
        value.items.map((item, i) => [String(i), item]),
        "[]",
      );
    default:
      return value.text.length > 200 ? textNode(value.text) : el("span", { class: "literal", text: value.text });
  }
}

function members(list, empty) {
  if (list.length === 0) return el("span", { class: "faint", text: empty });
  return listed(el("dl", { class: "fields" }), list, mostMembers, ([key, value]) => field(key, value));
}
