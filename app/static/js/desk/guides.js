// Says how long subject and preheader are, and shows them as the inbox of a phone cuts them.

for (const field of document.querySelectorAll("[data-count]")) {
  const output = document.getElementById(field.dataset.count);
  const shown = field.form.querySelector(`[data-shows="${field.name}"]`);

  const show = () => {
    if (field.value.includes("\n")) {
      const at = field.selectionEnd;
      field.value = field.value.replaceAll("\n", " ");
      field.setSelectionRange(at, at);
    }
    const count = [...field.value].length;
    output.value = output.dataset.many.replace("{count}", count);
    output.classList.toggle("count-off", count < field.minLength || count > field.maxLength);
    if (shown) shown.textContent = field.value;
  };

  field.addEventListener("input", show);
  // Shown on several lines, and yet one line of text: what is pasted becomes one, too.
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && field.type === "textarea" && !event.isComposing) event.preventDefault();
  });
  show();
}
