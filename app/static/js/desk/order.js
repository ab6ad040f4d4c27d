// Puts the articles and headings of a draft in order: by pointer on the dots, by the arrows, by Alt with an arrow key.
import { save, showAll } from "./saving.js";

const AGAIN_MS = 5000;
const list = document.querySelector("[data-order]");

if (list) {
  const form = document.getElementById(list.dataset.order);
  const said = document.getElementById("moves");
  const entries = () => [...list.children];
  const layout = () => entries().map((entry) => entry.dataset.entry).join("\n");
  let isContested = false, waiting;

  showAll();

  function renumber() {
    const all = entries();
    let number = 0;
    for (const [place, entry] of all.entries()) {
      const shown = entry.querySelector(".item-number");
      if (shown) shown.textContent = String((number += 1));
      entry.querySelector("[name=up]").disabled = place === 0;
      entry.querySelector("[name=down]").disabled = place === all.length - 1;
    }
  }

  function tell(entry) {
    const all = entries(), place = all.indexOf(entry);
    const heading = all.slice(0, place).findLast((other) => other.classList.contains("item-heading"));
    const words = list.dataset.said.replace("{title}", entry.dataset.title)
      .replace("{place}", place + 1).replace("{count}", all.length);
    const under = heading ? `, ${list.dataset.under.replace("{heading}", heading.dataset.title)}` : "";
    said.textContent = words + under;
  }

  function settle(entry) {
    renumber();
    tell(entry);
    saveOrder();
  }

  async function saveOrder() {
    clearTimeout(waiting);
    const seen = form.elements.revision;
    const { status, revision, taken, isUnanswered } = await save(form, () => [["revision", seen.value], ["layout", layout()]]);
    if (status === 200 && taken.includes("layout")) seen.value = revision;
    if (isUnanswered) waiting = setTimeout(saveOrder, AGAIN_MS);
    isContested = status === 409;
  }

  function move(entry, by) {
    const all = entries(), other = all[all.indexOf(entry) + by];
    if (!other) return;
    const focused = document.activeElement;
    if (by < 0) other.before(entry);
    else other.after(entry);
    settle(entry);
    const back = entry.contains(focused) ? focused : entry;
    (back.disabled ? entry.querySelector("[name=up]:enabled, [name=down]:enabled") : back).focus();
    entry.scrollIntoView({ block: "nearest" });
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[name=up], [name=down]");
    if (!button) return;
    event.preventDefault();
    move(button.closest("[data-entry]"), button.name === "up" ? -1 : 1);
  });

  list.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by || !event.altKey || event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    move(event.target.closest("[data-entry]"), by);
  });

  list.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button) return;
    event.preventDefault();
    const entry = grip.closest("[data-entry]"), before = layout();
    entry.classList.add("item-dragged");

    function follow(moved) {
      const other = entries().find((each) => {
        const { top, bottom } = each.getBoundingClientRect();
        return each !== entry && moved.clientY > top && moved.clientY < bottom;
      });
      if (!other) return;
      const { top, height } = other.getBoundingClientRect();
      if (moved.clientY < top + height / 2) other.before(entry);
      else other.after(entry);
    }

    // On the document: what is moved in the page loses its hold on the pointer.
    const dragging = new AbortController();
    function end() {
      dragging.abort();
      entry.classList.remove("item-dragged");
      if (layout() !== before) settle(entry);
    }

    document.addEventListener("pointermove", follow, { signal: dragging.signal });
    for (const over of ["pointerup", "pointercancel"]) document.addEventListener(over, end, { signal: dragging.signal });
  });

  // The order in the page is one version, the server's the other: to see both, it is sent as a page is.
  form.addEventListener("formdata", ({ formData }) => {
    if (isContested) formData.set("layout", layout());
  });
}
