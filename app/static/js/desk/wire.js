// The wire by keys: one story is the current one, and keys press its buttons. What is swapped keeps its place.

import { explainKeys, onKeys } from "./keys.js";
import "./signed-out.js";

const rows = () => [...document.querySelectorAll("[data-story]")];
let place = -1;

function focusOn(index) {
  const all = rows();
  if (!all.length) return false;
  place = Math.min(Math.max(index, 0), all.length - 1);
  all.forEach((row, number) => (row.tabIndex = number === place ? 0 : -1));
  all[place].focus({ preventScroll: true });
  all[place].scrollIntoView({ block: "nearest" });
}

function press(key) {
  const row = rows()[place]?.closest(".story");
  const button = row?.querySelector(`[data-key="${key}"]`);
  if (!button) return false;
  button.click();
}

function undo() {
  const button = document.querySelector("[data-undo]");
  if (!button) return false;
  button.click();
}

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.(".story")?.querySelector("[data-story]");
  if (row) place = rows().indexOf(row);
});

// A second press on "Read" folds the text again.
document.addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.("[data-read]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const panel = document.getElementById(link.dataset.read);
    const isOpen = panel.childElementCount > 0 && panel.dataset.shows === link.href;
    for (const other of document.querySelectorAll(`[data-read="${panel.id}"]`)) other.setAttribute("aria-expanded", "false");
    panel.dataset.shows = link.href;
    if (!isOpen) return link.setAttribute("aria-expanded", "true");
    panel.replaceChildren();
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);

// The button that was pressed may be gone with its row: go on from the same place.
document.addEventListener("htmx:after:swap", () => {
  const all = rows();
  all.forEach((row, number) => (row.tabIndex = number === Math.max(place, 0) ? 0 : -1));
  if (place >= 0 && (document.activeElement === document.body || !document.activeElement)) focusOn(place);
});

for (const link of document.querySelectorAll("[data-read]")) link.setAttribute("aria-expanded", "false");
const dialog = document.getElementById("keys");
const explain = dialog ? explainKeys(dialog) : () => false;
if (rows().length) rows()[0].tabIndex = 0;

onKeys({
  j: () => focusOn(place + 1),
  k: () => focusOn(place - 1),
  x: () => press("x"),
  p: () => press("p"),
  m: () => press("m"),
  e: () => press("e"),
  u: undo,
  "/": () => document.getElementById("q").focus(),
  "?": explain,
}, ["j", "k"]);
