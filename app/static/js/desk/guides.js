// Says how long subject and preheader are, and shows them as the inbox of a phone cuts them.

for (const field of document.querySelectorAll("[data-count]")) {
  const output = document.getElementById(field.dataset.count);
  const shown = field.form.querySelector(`[data-shows="${field.name}"]`);

  const show = () => {
    const count = [...field.value].length;
    output.value = output.dataset.many.replace("{count}", count);
    output.classList.toggle("count-off", count < field.minLength || count > field.maxLength);
    if (shown) shown.textContent = field.value;
  };

  field.addEventListener("input", show);
  // Shown on several lines, and yet one line of text.
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && field.type === "textarea" && !event.isComposing) event.preventDefault();
  });
  show();
}
