"use strict";
// Helpers for elements. All text becomes text nodes, never markup.

const $ = (id) => document.getElementById(id);

// el makes an element. A property is an attribute; "class", "text", "data" and
// functions named "on…" are special. Children are nodes or texts.
function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "text") node.textContent = value;
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const svgNamespace = "http://www.w3.org/2000/svg";

// icon makes a picture of the page's sprite. Without a label it is decoration.
function icon(name, label) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("class", "i i-" + name);
  svg.setAttribute("viewBox", "0 0 16 16");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    const title = document.createElementNS(svgNamespace, "title");
    title.textContent = label;
    svg.append(title);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  const use = document.createElementNS(svgNamespace, "use");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

// announce tells screen readers a result.
function announce(text) {
  $("live").textContent = text;
}

// debounce calls a function when no call came for some milliseconds.
function debounce(wait, call) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), wait);
  };
}

// perFrame calls a function at most once in a frame.
function perFrame(call) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      call();
    });
  };
}

// tabs makes a tab list out of buttons with role=tab: arrow keys, one tab stop.
function tabs(list, choose) {
  const buttons = [...list.querySelectorAll("[role=tab]")];
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[role=tab]");
    if (button) choose(button);
  });
  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    let next = step && buttons[(at + step + buttons.length) % buttons.length];
    if (event.key === "Home") next = buttons[0];
    if (event.key === "End") next = buttons[buttons.length - 1];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
    choose(next);
  });
}

// selectTab marks one of the tabs and shows its panel.
function selectTab(list, chosen) {
  for (const button of list.querySelectorAll("[role=tab]")) {
    const on = button === chosen;
    button.setAttribute("aria-selected", on);
    button.tabIndex = on ? 0 : -1;
    $(button.getAttribute("aria-controls")).hidden = !on;
  }
}

// complete resolves when the browser has read the whole page. The report is at its
// end.
const complete = new Promise((resolve) => {
  if (document.readyState !== "loading") resolve();
  else document.addEventListener("DOMContentLoaded", resolve, { once: true });
});
