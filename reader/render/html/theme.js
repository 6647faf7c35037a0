"use strict";
// The theme. It follows the system until the reader chooses one. This file is in
// the head, so that the page is never painted in the wrong theme.

const systemDark = matchMedia("(prefers-color-scheme: dark)");
let chosenTheme = remembered("osp-theme"); // "light", "dark" or null

// remembered reads a setting of the reader. Some browsers give a file no storage.
function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // The setting holds until the page is closed.
  }
}

function currentTheme() {
  if (chosenTheme === "light" || chosenTheme === "dark") return chosenTheme;
  return systemDark.matches ? "dark" : "light";
}

function applyTheme() {
  document.documentElement.dataset.theme = currentTheme();
}

// toggleTheme changes to the other theme. The system's own theme is not stored,
// so that the page follows the system again.
function toggleTheme() {
  const other = currentTheme() === "dark" ? "light" : "dark";
  const systems = systemDark.matches ? "dark" : "light";
  chosenTheme = other === systems ? null : other;
  remember("osp-theme", chosenTheme);
  applyTheme();
}

applyTheme();
