// Single keys for what buttons of a page do. They never act in fields, with modifiers or over a dialog, and whoever
// dictates or uses a screen reader can turn them off (WCAG 2.1.4). A page says what each key does; without script its
// buttons do the same.

const STORE = "vigie-keys";
const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";

function read() {
  try {
    return localStorage.getItem(STORE);
  } catch {
    return null; // storage may be forbidden
  }
}

function write(value) {
  try {
    localStorage.setItem(STORE, value);
  } catch {
    // the choice then lasts as long as the page
  }
}

let areOn = read() !== "off";

function isMeant(event) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return false;
  return !event.target.closest?.(TYPING) && !document.querySelector("dialog[open]");
}

// `actions` has a function for each key; one that returns false has done nothing, and the key keeps its own meaning.
// `walking` are those that go on while they are held down; what the others do, a slow finger must not undo.
export function onKeys(actions, walking) {
  document.addEventListener("keydown", (event) => {
    if (!isMeant(event) || (!areOn && event.key !== "?")) return;
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : null;
    if (action && event.repeat && !walking.includes(event.key)) return event.preventDefault();
    if (action && action() !== false) event.preventDefault();
  });
}

// Show the line of keys, let its button and "?" open the dialog, and its switch turn keys off and on.
export function explainKeys(dialog) {
  const legend = document.querySelector("[data-keys-legend]");
  const toggle = dialog.querySelector("[data-keys-switch]");
  legend.hidden = false;
  toggle.checked = areOn;
  toggle.addEventListener("change", () => {
    areOn = toggle.checked;
    write(areOn ? "on" : "off");
  });
  legend.querySelector("[data-keys-open]").addEventListener("click", () => dialog.showModal());
  return () => dialog.showModal();
}
