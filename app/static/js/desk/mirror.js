// Shows elsewhere in a page what a field says while it is written; where it says nothing, what stands for it, which may
// be in another language.

for (const shown of document.querySelectorAll("[data-shows]")) {
  const field = document.getElementById(shown.dataset.shows);
  field?.addEventListener("input", () => {
    const own = field.value.trim();
    shown.textContent = own || field.placeholder;
    shown.lang = own ? field.lang : shown.dataset.lang ?? field.lang;
  });
}
