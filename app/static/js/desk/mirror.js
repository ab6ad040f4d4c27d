// Shows elsewhere in a page what a field says while it is written; where it says nothing, what stands for it.

for (const shown of document.querySelectorAll("[data-shows]")) {
  const field = document.getElementById(shown.dataset.shows);
  field?.addEventListener("input", () => {
    shown.textContent = field.value.trim() || field.placeholder;
  });
}
