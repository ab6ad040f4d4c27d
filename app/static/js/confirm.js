// Confirms at the first genuine human gesture on the page, so that nobody is lost to a second press. A program that
// merely opens the page, runs its scripts and waits makes no trusted event and so confirms nobody.
"use strict";

(() => {
  const form = document.querySelector("form[data-confirm]");
  if (!form) return;

  const gestures = ["pointerdown", "touchstart", "keydown"];
  const silentKeys = /^(Tab|Shift|Control|Alt|AltGraph|Meta|OS|Fn|CapsLock|NumLock|ScrollLock|Escape|ContextMenu|PrintScreen|Unidentified|Dead|F\d+)$/;
  let isSent = false;

  // Links and other forms keep their own meaning; so do browser shortcuts and the second mouse button.
  function isMeant(event) {
    if (!event.isTrusted || event.defaultPrevented) return false;
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest("a, summary, input, select, textarea")) return false;
    const inForm = target.closest("form");
    if (inForm && inForm !== form) return false;
    if (event.type === "keydown") {
      return !(silentKeys.test(event.key) || event.ctrlKey || event.altKey || event.metaKey || event.repeat);
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
