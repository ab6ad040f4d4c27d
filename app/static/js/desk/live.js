// Follows a run: the server tells its figures as they move. A page that nobody sees asks for nothing.

const figures = document.querySelector("[data-live]");
const AGAIN_MS = 5000;
let source = null;

// What had the focus has it again after its piece of the page was replaced.
function show(html) {
  const focused = figures.contains(document.activeElement) ? document.activeElement : null;
  const openFolds = new Set([...figures.querySelectorAll("details[open]")].map((fold) => fold.dataset.fold));
  figures.innerHTML = html;
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
  if (document.hidden) return;
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
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", () => source?.close());
  follow();
}
