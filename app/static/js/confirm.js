// Confirms at the first genuine human press on the page, so that nobody is lost to a second one. A program that merely
// opens the page, runs its scripts and waits makes no trusted event and so confirms nobody; nor does who scrolls, by
// finger or by key, to read on.
"use strict";

(() => {
  const form = document.querySelector("form[data-confirm]");
  if (!form) return;

  const gestures = ["click", "keydown"];
  const silentKeys = /^(Tab|Shift|Control|Alt|AltGraph|Meta|OS|Fn|CapsLock|NumLock|ScrollLock|Escape|ContextMenu|PrintScreen|Unidentified|Dead|F\d+)$/;
  const scrollingKeys = new Set([" ", "PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]);
  let isSent = false;

  // The button, links and other forms keep their own meaning; so do browser shortcuts and the second mouse button.
  function isMeant(event) {
    if (!event.isTrusted || event.defaultPrevented) return false;
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest("a, summary, button, input, select, textarea")) return false;
    const inForm = target.closest("form");
    if (inForm && inForm !== form) return false;
    if (event.type === "keydown") {
      const isQuiet = silentKeys.test(event.key) || scrollingKeys.has(event.key);
      return !(isQuiet || event.ctrlKey || event.altKey || event.metaKey || event.repeat);
    }
    return !event.button;
  }

  function onGesture(event) {
    if (!isSent && isMeant(event)) form.requestSubmit();
  }

  form.addEventListener("submit", (event) => {
    if (isSent) {
      event.preventDefault();
      return;
    }
    isSent = true;
    for (const gesture of gestures) document.removeEventListener(gesture, onGesture);
  });

  // A page taken back from the browser's memory may be used again; the server knows a repeated press.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) isSent = false;
  });

  for (const gesture of gestures) document.addEventListener(gesture, onGesture, { passive: true });
})();
