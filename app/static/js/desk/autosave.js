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
  // What the server refused of each field, and whether something of the last save was not taken.
  const refused = new Map();
  const hopeful = () => changed().filter((field) => field.value !== refused.get(field.name));
  let isKeptBack = false;

  // Sends those of the fields that `choose` returns which go together: known as of the same revision.
  async function saveSome(choose) {
    let sent = [];
    const answer = await save(form, () => {
      const mine = choose(), seen = Math.min(...mine.map(seenOf));
      sent = mine.filter((field) => seenOf(field) === seen).map((field) => [field.name, field.value]);
      return sent.length ? [["revision", seen], ...whose, ...sent] : null;
    });
    if (answer.status === 200) for (const [name, value] of sent) {
      known.set(name, { value, seen: answer.taken.includes(name) ? answer.revision : known.get(name).seen });
    }
    if (answer.status === 422 && sent.length === 1) refused.set(...sent[0]);
    return answer;
  }

  // What is refused keeps nothing else back; why it was refused is said last.
  async function saveAll() {
    let answer = { status: 200 };
    while (answer.status === 200 && hopeful().length) {
      answer = await saveSome(hopeful);
      if (answer.status === 422) answer = await saveApart(hopeful());
    }
    while (answer.status === 200 && changed().length) answer = await saveSome(() => changed().slice(0, 1));
    return answer;
  }

  // Saves fields one by one, and passes over what is refused.
  async function saveApart(some) {
    for (const field of some) {
      const answer = await saveSome(() => [field]);
      if (answer.status !== 200 && answer.status !== 422) return answer;
    }
    return { status: 200 };
  }

  async function saveChanged() {
    clearTimeout(waiting);
    const answer = await saveAll();
    isKeptBack = answer.status !== 200 && !answer.isLost;
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
    isKeptBack = false;
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
  window.addEventListener("beforeunload", (event) => {
    if (isKeptBack && changed().length) event.preventDefault();
  });
}
