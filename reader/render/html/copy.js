"use strict";
// Copying. A page that is a file may have no navigator.clipboard.

// copyText copies a text and says so. It returns whether it was copied.
async function copyText(text, name) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    done = copyBySelection(text);
  }
  announce(done ? "Copied " + name + "." : "The browser does not allow copying.");
  return done;
}

// copyBySelection copies by the old command, which works in pages that are files.
function copyBySelection(text) {
  const before = document.activeElement;
  const area = el("textarea", { class: "out-of-sight", readonly: true, "aria-hidden": "true" });
  area.value = text;
  const open = document.querySelector("dialog[open]") ?? document.body;
  open.append(area);
  area.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    done = false;
  }
  area.remove();
  before?.focus?.({ preventScroll: true });
  return done;
}

// copyButton makes a button that copies a text, which may be a function.
function copyButton(name, text, label) {
  const button = el(
    "button",
    {
      type: "button",
      class: label ? "copy" : "copy icon",
      title: "Copy " + name,
      "aria-label": "Copy " + name,
      onclick: async () => {
        const done = await copyText(typeof text === "function" ? await text() : text, name);
        button.dataset.copied = done ? "yes" : "no";
        setTimeout(() => delete button.dataset.copied, 1200);
      },
    },
    icon("copy"),
  );
  if (label) button.append(label);
  return button;
}
