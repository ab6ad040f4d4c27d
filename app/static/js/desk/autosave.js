// Saves the texts of a draft while they are written: only the fields that changed. The button works without it.
import { save, revision } from "./saving.js";

const form = document.querySelector("form[data-autosave]");
const PAUSE_MS = 1500;

if (form) {
  const fields = [...form.querySelectorAll("input:not([type=hidden]), textarea")];
  const known = new Map(fields.map((field) => [field.name, field.value]));
  let waiting;

  const changed = () => fields.filter((field) => field.value !== known.get(field.name));

  async function saveChanged() {
    clearTimeout(waiting);
    if (!changed().length) return;
    let sent = [];
    const status = await save(form.action, () => {
      sent = changed().map((field) => [field.name, field.value]);
      return [["revision", revision()], ...sent];
    });
    if (status === 200) for (const [name, value] of sent) known.set(name, value);
  }

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(saveChanged, PAUSE_MS);
  });
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    for (const field of fields) known.set(field.name, field.value);
  });
  // What is in the fields goes the way of the button: the page that comes back has both versions side by side.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-compare]")) return;
    const order = document.querySelector("[data-order]");
    if (order?.dispatchEvent(new CustomEvent("compare", { cancelable: true })) ?? true) form.requestSubmit();
  });
  window.addEventListener("pagehide", saveChanged);
}
