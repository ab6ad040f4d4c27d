// Saves the texts of drafts while they are written: only the fields that changed. The buttons work without it.
import { followTexts, save, saveFirst } from "./saving.js";

const PAUSE_MS = 1500, AGAIN_MS = 5000;

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const fields = [...form.querySelectorAll("input:not([type=hidden]), textarea")];
  // What the server has of each field, and as of which revision: another editor may have changed one since, and not
  // the others. What it did not take it does not have.
  const isRefused = form.dataset.autosave === "refused";
  const known = new Map(fields.map((field) => [
    field.name, { value: isRefused ? null : field.defaultValue, seen: form.elements.revision.value },
  ]));
  let waiting;

  const changed = () => fields.filter((field) => field.value !== known.get(field.name).value);
  const seenOf = (field) => Number(known.get(field.name).seen);
  const whose = [...form.querySelectorAll("[type=hidden]:not([name=revision])")].map(({ name, value }) => [name, value]);

  // Those go together that are known as of the same revision.
  async function saveSome() {
    let sent = [];
    const answer = await save(form, () => {
      const mine = changed(), seen = Math.min(...mine.map(seenOf));
      sent = mine.filter((field) => seenOf(field) === seen).map((field) => [field.name, field.value]);
      return sent.length ? [["revision", seen], ...whose, ...sent] : null;
    });
    if (answer.status === 200) for (const [name, value] of sent) {
      known.set(name, { value, seen: answer.taken.includes(name) ? answer.revision : known.get(name).seen });
    }
    return answer;
  }

  async function saveChanged() {
    clearTimeout(waiting);
    let answer = { status: 200 };
    while (answer.status === 200 && changed().length) answer = await saveSome();
    if (answer.isUnanswered) waiting = setTimeout(saveChanged, AGAIN_MS);
    return answer;
  }

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(saveChanged, PAUSE_MS);
  });
  // What could not be saved goes the way of the button, alone: the page that comes back says why.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await saveChanged();
    form.submit();
  });
  form.addEventListener("formdata", ({ formData }) => {
    const mine = changed();
    for (const field of fields) if (!mine.includes(field)) formData.delete(field.name);
    if (mine.length) formData.set("revision", Math.min(...mine.map(seenOf)));
  });
  saveFirst(form, saveChanged);
  // What is being written stays; it is then written over the text that was made anew.
  followTexts(form, (texts, seen) => {
    for (const field of fields.filter(({ name }) => name in texts)) {
      const isUntouched = !changed().includes(field), value = texts[field.name];
      known.set(field.name, { value, seen });
      if (!isUntouched) continue;
      const isSelected = field.selectionStart === 0 && field.selectionEnd === field.value.length;
      field.value = value;
      if (isSelected && field === document.activeElement) field.select(); // somebody is about to write over it
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
  window.addEventListener("pagehide", saveChanged);
}
