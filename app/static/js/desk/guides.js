// Says how long subject and preheader are.

for (const field of document.querySelectorAll("[data-count]")) {
  const output = document.getElementById(field.dataset.count);

  const show = () => {
    if (field.value.includes("\n")) {
      const at = field.selectionEnd;
      field.value = field.value.replaceAll("\n", " ");
      field.setSelectionRange(at, at);
    }
    const count = [...field.value].length;
    output.value = output.dataset.many.replace("{count}", count);
    output.classList.toggle("count-off", count < field.minLength || count > field.maxLength);
  };

  field.addEventListener("input", show);
  // Shown on several lines, and yet one line of text: what is pasted becomes one, too.
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && field.type === "textarea" && !event.isComposing) event.preventDefault();
  });
  show();
}
