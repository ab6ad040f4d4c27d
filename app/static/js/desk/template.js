// Shows the letter anew while its template is written, and leads to the line that is at fault. The buttons work without it.
const form = document.querySelector("form[data-template]");
const PAUSE_MS = 900;

if (form) {
  const source = form.querySelector("textarea");
  const show = form.querySelector("[data-show]");
  const place = form.querySelector("[data-place]");
  const go = document.querySelector("[data-line]");
  let waiting;

  const showAnew = () => form.requestSubmit(show);

  form.addEventListener("input", (event) => {
    if (event.target.name === "width" || event.target.name === "note") return;
    clearTimeout(waiting);
    waiting = setTimeout(showAnew, event.target === source ? PAUSE_MS : 0);
  });
  form.addEventListener("submit", () => clearTimeout(waiting));

  // Where the cursor stands, so that a line named in the letter's place is found.
  document.addEventListener("selectionchange", () => {
    if (document.activeElement === source) {
      place.textContent = `(${source.value.slice(0, source.selectionStart).split("\n").length})`;
    }
  });

  if (go) {
    go.hidden = false;
    go.addEventListener("click", () => {
      const lines = source.value.split("\n");
      const before = lines.slice(0, go.dataset.line - 1).join("\n").length + (go.dataset.line > 1 ? 1 : 0);
      source.focus();
      source.setSelectionRange(before, before + lines[go.dataset.line - 1].length);
      const height = source.scrollHeight / lines.length;
      source.scrollTop = Math.max((go.dataset.line - 6) * height, 0);
    });
  }
}
