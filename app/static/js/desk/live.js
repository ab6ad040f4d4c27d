// Follows a run: the server tells its figures as they move. A page that nobody sees asks for nothing, nor does one whose
// reader holds the figures to read them (WCAG 2.2.2).

const figures = document.querySelector("[data-live]");
const hold = document.querySelector("[data-hold]");
const AGAIN_MS = 5000;
let source = null;
let isHeld = false;

// Each part is replaced where it changed: what is a live region is not said again with every figure beside it.
function replace(html) {
  const told = document.createElement("template");
  told.innerHTML = html;
  for (const part of told.content.querySelectorAll("[data-part]")) {
    const shown = figures.querySelector(`[data-part="${part.dataset.part}"]`);
    if (shown.innerHTML !== part.innerHTML) shown.innerHTML = part.innerHTML;
  }
}

// What had the focus has it again after its piece of the page was replaced.
function show(html) {
  const focused = figures.contains(document.activeElement) ? document.activeElement : null;
  const openFolds = new Set([...figures.querySelectorAll("details[open]")].map((fold) => fold.dataset.fold));
  replace(html);
  for (const fold of figures.querySelectorAll("details")) fold.open = openFolds.has(fold.dataset.fold);
  if (!focused) return;
  const same = focused.matches("summary")
    ? `[data-fold="${focused.parentElement.dataset.fold}"] summary`
    : `a[href="${CSS.escape(focused.getAttribute("href") ?? "")}"]`;
  figures.querySelector(same)?.focus({ preventScroll: true });
}

// The stream was refused: the session ended, or the server is away. The page itself knows, once it answers.
async function lookAgain() {
  try {
    if ((await fetch(location.href, { method: "HEAD" })).ok) return location.reload();
  } catch {
    // not yet
  }
  setTimeout(lookAgain, AGAIN_MS);
}

function follow() {
  source?.close();
  source = null;
  if (document.hidden || isHeld) return;
  source = new EventSource(figures.dataset.live);
  source.addEventListener("figures", (event) => show(event.data));
  source.addEventListener("over", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) lookAgain();
  });
}

if (figures) {
  hold.hidden = false;
  hold.addEventListener("click", () => {
    isHeld = !isHeld;
    hold.textContent = isHeld ? hold.dataset.held : hold.dataset.moving;
    follow();
  });
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", () => source?.close());
  follow();
}
