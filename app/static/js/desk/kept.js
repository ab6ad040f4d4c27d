// Keeps what is written and not sent yet in this tab while its page is loaded anew: other buttons of the page do that.

const keyOf = (field) => `vigie-kept:${location.pathname}#${field.id}`;
const fields = [...document.querySelectorAll("[data-kept]")];
const sent = new Set();

try {
  for (const field of fields) {
    const kept = sessionStorage.getItem(keyOf(field));
    if (kept === null) continue;
    field.value = kept;
    if (field.selectedIndex === -1) field.selectedIndex = 0; // what was chosen is no choice any more
  }
  for (const form of new Set(fields.map((field) => field.form))) form.addEventListener("submit", () => sent.add(form));
  window.addEventListener("pagehide", () => {
    for (const field of fields) {
      if (field.value && !sent.has(field.form)) sessionStorage.setItem(keyOf(field), field.value);
      else sessionStorage.removeItem(keyOf(field));
    }
  });
} catch {
  // storage may be forbidden
}
